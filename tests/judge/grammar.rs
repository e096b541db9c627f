//! Reads the templates of `grammar.txt`.

use super::types::Ty;
use std::sync::LazyLock;

const TEXT: &str = include_str!("grammar.txt");

/// How an expression of one type is made of others.
#[derive(Clone, Debug)]
pub struct Template {
    pub body: Vec<Piece>,
    /// The result has the type that is asked for, whichever that is.
    pub any: bool,
    pub magnitude: Magnitude,
    /// The largest operand must fit into the type of the result.
    pub fits: bool,
    /// The last digits may differ.
    pub inexact: bool,
    /// Fails for some rows.
    pub risky: bool,
    /// Views refuse it.
    pub select: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Piece {
    Text(String),
    Place { kind: Kind, how: How },
}

/// What stands at a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Of(Ty),
    /// Any type, the same in the whole template.
    Any,
    Integer,
    Number,
    Digit,
    Short,
    Pattern,
    Regex,
    Unit,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    Expression,
    /// Neither NaN nor infinite nor an extreme.
    Finite,
    /// A column or a literal.
    Leaf,
    /// A quoted literal without a type.
    Untyped,
    /// Literals and a column, separated by commas.
    List,
}

/// The largest absolute value of the result, from those of the operands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Magnitude {
    Largest,
    Sum(f64),
    Product(f64),
    Fixed(f64),
    Unbounded,
}

static BY_TYPE: LazyLock<Vec<Vec<Template>>> = LazyLock::new(|| {
    let mut by_type: Vec<Vec<Template>> = Ty::ALL.iter().map(|_| Vec::new()).collect();
    for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (result, template) = parse(line).unwrap_or_else(|| panic!("grammar.txt: {line}"));
        for (ty, templates) in Ty::ALL.iter().zip(&mut by_type) {
            if result.is_none_or(|result| result == *ty) {
                templates.push(template.clone());
            }
        }
    }
    by_type
});

/// The templates whose result has this type.
pub fn templates(ty: Ty) -> &'static [Template] {
    &BY_TYPE[ty as usize]
}

fn parse(line: &str) -> Option<(Option<Ty>, Template)> {
    let (result, rest) = line.split_once(" : ")?;
    let result = if result == "T" { None } else { Some(Ty::by_word(result)?) };
    let (body, flags) = rest.split_once(" ;; ").unwrap_or((rest, ""));
    let mut template = Template {
        body: pieces(body),
        any: result.is_none(),
        magnitude: Magnitude::Largest,
        fits: false,
        inexact: false,
        risky: false,
        select: false,
    };
    for flag in flags.split_whitespace() {
        match flag {
            "fits" => template.fits = true,
            "inexact" => template.inexact = true,
            "risky" => template.risky = true,
            "select" => template.select = true,
            "wild" => template.magnitude = Magnitude::Unbounded,
            "sum" => template.magnitude = Magnitude::Sum(0.0),
            "sum9" => template.magnitude = Magnitude::Sum(9.0),
            "product" => template.magnitude = Magnitude::Product(1.0),
            "product9" => template.magnitude = Magnitude::Product(9.0),
            other => template.magnitude = Magnitude::Fixed(other.strip_prefix('=')?.parse().ok()?),
        }
    }
    Some((result, template))
}

fn pieces(body: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = body;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        let word = &rest[open + 1..open + length];
        pieces.push(Piece::Text(rest[..open].to_owned()));
        // An array literal has braces too.
        pieces.push(place(word).unwrap_or_else(|| Piece::Text(format!("{{{word}}}"))));
        rest = &rest[open + length + 1..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

fn place(word: &str) -> Option<Piece> {
    let (word, how) = match word.chars().next_back()? {
        '!' => (&word[..word.len() - 1], How::Finite),
        '@' => (&word[..word.len() - 1], How::Leaf),
        '\'' => (&word[..word.len() - 1], How::Untyped),
        '*' => (&word[..word.len() - 1], How::List),
        _ => (word, How::Expression),
    };
    let kind = match word {
        "T" => Kind::Any,
        "N" => Kind::Number,
        "int" => Kind::Integer,
        "n" => Kind::Digit,
        "s" => Kind::Short,
        "p" => Kind::Pattern,
        "r" => Kind::Regex,
        "u" => Kind::Unit,
        other => Kind::Of(Ty::by_word(other)?),
    };
    Some(Piece::Place { kind, how })
}

#[test]
fn templates_are_read() {
    let all: usize = Ty::ALL.iter().map(|ty| templates(*ty).len()).sum();
    assert!(all > 300, "{all}");
    let text = |text: &str| Piece::Text(text.to_owned());
    let any = |how| Piece::Place { kind: Kind::Any, how };
    let expected = [text(""), any(How::Expression), text(" IN ("), any(How::List), text(")")];
    assert_eq!(pieces("{T} IN ({T*})"), expected);
    assert_eq!(pieces("'{1,2}'"), [text("'"), text("{1,2}"), text("'")]);
}
