//! What Postgres reads and sqlparser does not, spelled as sqlparser reads it.
//!
//! - `x [NOT] LIKE ANY (...)`, ILIKE, ALL: with the operators that Postgres' own grammar has for them, `x ~~ ANY (...)`.
//! - `((SELECT 1) UNION SELECT 2)` as a value: sqlparser takes a parenthesis for a query if SELECT or WITH follows. So the query
//!   gets a WITH, whose only query nothing reads.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// The tokens of a statement as sqlparser reads them. Each keeps its span; a token that is added has that of the next one.
pub(super) fn respelled(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let tokens = with_operators(tokens);
    let starts = bare_queries(&tokens);
    if starts.is_empty() {
        return tokens;
    }
    let mut all = Vec::with_capacity(tokens.len() + starts.len() * 6);
    for (index, token) in tokens.into_iter().enumerate() {
        if starts.contains(&index) {
            all.extend(with(token.span));
        }
        all.push(token);
    }
    all
}

/// `WITH "(" AS (SELECT)`.
fn with(span: Span) -> impl Iterator<Item = TokenWithSpan> {
    let word = |word: &str| Token::make_word(word, None);
    let name = Token::make_word("(", Some('"'));
    let tokens = [word("WITH"), name, word("AS"), Token::LParen, word("SELECT"), Token::RParen];
    tokens.into_iter().map(move |token| TokenWithSpan { token, span })
}

fn keyword(token: Option<&TokenWithSpan>) -> Option<Keyword> {
    match &token?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, wanted: &Token) -> bool {
    token.is_some_and(|token| token.token == *wanted)
}

/// LIKE before ANY and ALL as an operator.
fn with_operators(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
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

/// Where a query begins with a parenthesis around its first part, right after another parenthesis.
fn bare_queries(tokens: &[TokenWithSpan]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => open.push(index),
            Token::RParen => {
                let Some(start) = open.pop() else { continue };
                let goes_on = matches!(
                    keyword(tokens.get(index + 1)),
                    Some(Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT)
                );
                if goes_on && start > 0 && is(tokens.get(start - 1), &Token::LParen) && begins_query(&tokens[start..]) {
                    found.push(start);
                }
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found
}

fn begins_query(tokens: &[TokenWithSpan]) -> bool {
    let first = tokens.iter().find(|token| token.token != Token::LParen);
    matches!(keyword(first), Some(Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::TABLE))
}

#[cfg(test)]
mod tests {
    use super::super::source::DIALECT;
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

    #[test]
    fn a_query_in_parentheses_begins_with_a_word() {
        let with = "WITH \"(\" AS ( SELECT )";
        for (sql, same) in [
            ("((SELECT 1) UNION SELECT 2)", format!("( {with} ( SELECT 1 ) UNION SELECT 2 )")),
            ("(((TABLE t)) EXCEPT SELECT 2)", format!("( {with} ( ( TABLE t ) ) EXCEPT SELECT 2 )")),
            ("(SELECT 1) UNION SELECT 2", "( SELECT 1 ) UNION SELECT 2".to_owned()),
            ("((1) + 2)", "( ( 1 ) + 2 )".to_owned()),
        ] {
            assert_eq!(spelled(sql), same, "{sql}");
        }
    }
}
