//! `x [NOT] LIKE ANY (...)`, ILIKE and ALL, which sqlparser does not read, with the operators that Postgres' own grammar has for
//! them: `x ~~ ANY (...)`.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

fn keyword(token: Option<&TokenWithSpan>) -> Option<Keyword> {
    match &token?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, wanted: &Token) -> bool {
    token.is_some_and(|token| token.token == *wanted)
}

/// The tokens of a statement with LIKE before ANY and ALL as an operator, which has the span of LIKE.
pub(super) fn respelled(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let quantified = |index: usize| {
        matches!(keyword(tokens.get(index)), Some(Keyword::LIKE | Keyword::ILIKE))
            && matches!(keyword(tokens.get(index + 1)), Some(Keyword::ANY | Keyword::ALL | Keyword::SOME))
            && is(tokens.get(index + 2), &Token::LParen)
    };
    if !(0..tokens.len()).any(quantified) {
        return tokens;
    }
    let mut all: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        if !quantified(index) {
            all.push(token.clone());
            continue;
        }
        let not = keyword(all.last()) == Some(Keyword::NOT);
        if not {
            all.pop();
        }
        let operator = match (keyword(Some(token)) == Some(Keyword::ILIKE), not) {
            (false, false) => Token::DoubleTilde,
            (false, true) => Token::ExclamationMarkDoubleTilde,
            (true, false) => Token::DoubleTildeAsterisk,
            (true, true) => Token::ExclamationMarkDoubleTildeAsterisk,
        };
        all.push(TokenWithSpan { token: operator, span: token.span });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::dialect::DIALECT;
    use super::*;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    fn spelled(sql: &str) -> String {
        let tokens = Tokenizer::new(&DIALECT, sql).tokenize_with_location().unwrap();
        let tokens = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        respelled(tokens.collect()).iter().map(|token| token.token.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn like_of_several_patterns_is_an_operator() {
        for (sql, same) in [
            ("a LIKE ANY (b)", "a ~~ ANY ( b )"),
            ("a not ilike all (b)", "a !~~* all ( b )"),
            ("NOT a LIKE SOME (b)", "NOT a ~~ SOME ( b )"),
            ("a LIKE any", "a LIKE any"),
            ("a LIKE (b)", "a LIKE ( b )"),
        ] {
            assert_eq!(spelled(sql), same, "{sql}");
        }
    }
}
