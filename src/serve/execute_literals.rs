//! The arguments of EXECUTE as parameters.

use super::value::Parameters;
use attune_sql::SqlError;
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value};

/// Parameters in text form, from literals.
///
/// # Errors
/// 0A000 for arguments that are not literals.
pub(super) fn parameters(arguments: &[Expr]) -> Result<Parameters, SqlError> {
    let texts = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Parameters::from_texts(texts.iter().map(Option::as_deref)))
}

/// The text of a literal; `None` is NULL.
fn text(argument: &Expr) -> Result<Option<String>, SqlError> {
    match argument {
        Expr::Value(value) => match &value.value {
            Value::Null => Ok(None),
            Value::Boolean(value) => Ok(Some(value.to_string())),
            Value::Number(number, _) => Ok(Some(number.to_string())),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Ok(Some(text.clone())),
            Value::DollarQuotedString(text) => Ok(Some(text.value.clone())),
            _ => Err(not_a_literal(argument)),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match number(expr) {
            Some(number) => Ok(Some(format!("-{number}"))),
            None => Err(not_a_literal(argument)),
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => {
            number(expr).map(Some).ok_or_else(|| not_a_literal(argument))
        }
        Expr::Nested(inner) => text(inner),
        Expr::Array(array) => array_text(&array.elem).map(Some),
        // The parameter has a type of its own, into which the text is read.
        Expr::Cast { expr, .. } => text(expr),
        Expr::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(text) => Ok(Some(text.clone())),
            _ => Err(not_a_literal(argument)),
        },
        _ => Err(not_a_literal(argument)),
    }
}

/// `{"a","b",NULL}`
fn array_text(elements: &[Expr]) -> Result<String, SqlError> {
    let element = |element: &Expr| {
        let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        Ok(text(element)?.map_or_else(|| "NULL".to_owned(), quoted))
    };
    let elements = elements.iter().map(element).collect::<Result<Vec<_>, SqlError>>()?;
    Ok(format!("{{{}}}", elements.join(",")))
}

fn number(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Some(number.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn not_a_literal(argument: &Expr) -> SqlError {
    SqlError::unsupported(
        format!("EXECUTE takes literals as arguments, not \"{argument}\""),
        "Write the value, or use the extended protocol, which is what drivers do.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_sql::statement::parse_expression;

    #[test]
    fn literals_become_text() {
        for (sql, expected) in [
            ("42", Some("42")),
            ("-42", Some("-42")),
            ("'it''s'", Some("it's")),
            ("NULL", None),
            ("true", Some("true")),
            ("'2024-01-01'::date", Some("2024-01-01")),
            ("(1.5)", Some("1.5")),
        ] {
            let expr = parse_expression(sql).unwrap();
            assert_eq!(text(&expr).unwrap().as_deref(), expected, "{sql}");
        }
        assert!(text(&parse_expression("1 + 1").unwrap()).is_err());
        assert!(text(&parse_expression("now()").unwrap()).is_err());
    }
}
