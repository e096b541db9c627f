//! The dialect of all texts: sqlparser's of Postgres, but for three questions.
//!
//! Asked whether the name of a function's argument may be an expression, Postgres' dialect says yes. sqlparser then reads each
//! argument twice, first as such a name, and of calls within calls the innermost 2ⁿ times. Names of arguments are plain names here
//! (`name => value`), as in Postgres.
//!
//! sqlparser takes a parenthesis in an expression for a query only if SELECT or WITH follows. Here `((SELECT 1) UNION SELECT 2)` is
//! one too. Whether a set operation follows is seen from the tokens, so that nothing is read twice.
//!
//! sqlparser reads a parenthesis in ROLLUP, CUBE and GROUPING SETS as that of a list, also where an expression begins with it
//! (`ROLLUP ((a + b) * 2)`). Here the items are expressions, of which `(a, b)` is one. ROLLUP and CUBE come as calls.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use std::any::TypeId;

/// The dialect of everything.
pub(super) static DIALECT: AttuneDialect = AttuneDialect { postgres: PostgreSqlDialect {} };

/// See the module.
#[derive(Debug)]
pub(super) struct AttuneDialect {
    postgres: PostgreSqlDialect,
}

/// Answers as Postgres' dialect.
macro_rules! as_postgres {
    ($($method:ident),* $(,)?) => {
        $(fn $method(&self) -> bool {
            self.postgres.$method()
        })*
    };
}

impl Dialect for AttuneDialect {
    /// sqlparser asks by this whether it reads Postgres' language.
    fn dialect(&self) -> TypeId {
        self.postgres.dialect()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        // A query whose first part is in parentheses, right after a parenthesis.
        if parser.get_current_token().token == Token::LParen && begins_set_operation(parser) {
            return Some(parser.parse_query().map(Expr::Subquery));
        }
        if parser.parse_keywords(&[Keyword::GROUPING, Keyword::SETS]) {
            return Some(grouping_sets(parser));
        }
        // The group of all rows, and a set of no keys.
        parser.consume_tokens(&[Token::LParen, Token::RParen]).then(|| Ok(Expr::Tuple(Vec::new())))
    }

    fn supports_group_by_expr(&self) -> bool {
        false
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    as_postgres!(
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_set_names,
        supports_alter_column_type_using,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
        supports_comment_optimizer_hint,
    );

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.postgres.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.postgres.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.postgres.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.postgres.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.postgres.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.postgres.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        self.postgres.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.postgres.prec_value(precedence)
    }
}

/// What follows GROUPING SETS.
fn grouping_sets(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let items = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    let set = |item| match item {
        Expr::Tuple(keys) => keys,
        key => vec![key],
    };
    Ok(Expr::GroupingSets(items.into_iter().map(set).collect()))
}

/// Whether what comes next is a query in parentheses and then a set operation.
fn begins_set_operation(parser: &Parser<'_>) -> bool {
    let (mut depth, mut first) = (0_usize, true);
    for at in 0.. {
        match parser.peek_nth_token_no_skip(at).token {
            Token::LParen => depth += 1,
            Token::RParen if depth > 1 => depth -= 1,
            Token::RParen if depth == 1 => {
                return is_one_of(&parser.peek_nth_token_no_skip(at + 1).token, &SET_OPERATIONS);
            }
            Token::Whitespace(_) => {}
            Token::EOF => return false,
            other if first => match depth > 0 && is_one_of(&other, &QUERIES) {
                true => first = false,
                false => return false,
            },
            _ => {}
        }
    }
    false
}

const SET_OPERATIONS: [Keyword; 3] = [Keyword::UNION, Keyword::EXCEPT, Keyword::INTERSECT];
const QUERIES: [Keyword; 4] = [Keyword::SELECT, Keyword::WITH, Keyword::VALUES, Keyword::TABLE];

fn is_one_of(token: &Token, words: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && words.contains(&word.keyword))
}
