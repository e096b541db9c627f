//! Types of expressions.

use crate::types::{PLAIN_NUMERIC, SqlType};
use datafusion::arrow::datatypes::{DataType, Field};
use std::fmt;
use std::sync::Arc;

/// The Postgres type of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    /// A quoted literal, NULL or parameter whose type its use decides: Postgres' `unknown`. Only while binding.
    Unknown,
    /// A type that columns have.
    Sql(SqlType),
    /// An array of one dimension, by the type of its elements.
    Array(SqlType),
    /// A type of Postgres' catalogs. Only while binding, and in results of queries within: a statement's result has texts.
    Catalog(CatalogType),
}

/// A type of Postgres' catalogs: its values are those of a plain type, and only their text is another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CatalogType {
    /// `regclass`
    Class,
    /// `regtype`
    Type,
    /// `regnamespace`
    Namespace,
    /// `regrole`
    Role,
    /// `regproc`, `regprocedure`, and those of operators
    Procedure,
    /// `int2vector`, whose first element is number 0
    Vector,
    /// A row of `_pg_expandarray`: the element `x`; its number `n` is known where the function is called.
    Expanded,
}

impl CatalogType {
    /// The plain type of its values.
    #[must_use]
    pub fn base(self) -> Type {
        match self {
            CatalogType::Vector => Type::Array(SqlType::SmallInt),
            CatalogType::Expanded => Type::Sql(SqlType::SmallInt),
            _ => Type::BIGINT,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CatalogType::Class => "regclass",
            CatalogType::Type => "regtype",
            CatalogType::Namespace => "regnamespace",
            CatalogType::Role => "regrole",
            CatalogType::Procedure => "regproc",
            CatalogType::Vector => "int2vector",
            CatalogType::Expanded => "record",
        }
    }
}

/// Postgres' type categories (`pg_type.typcategory`), as far as there are types in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// `B`
    Boolean,
    /// `N`
    Numeric,
    /// `S`
    String,
    /// `D`: dates and timestamps
    DateTime,
    /// `T`: interval
    Timespan,
    /// `U`: bytea
    User,
    /// `A`
    Array,
    /// `X`: unknown
    Unknown,
}

impl Type {
    /// `boolean`
    pub const BOOLEAN: Type = Type::Sql(SqlType::Boolean);
    /// `integer`
    pub const INTEGER: Type = Type::Sql(SqlType::Integer);
    /// `bigint`
    pub const BIGINT: Type = Type::Sql(SqlType::BigInt);
    /// `double precision`
    pub const DOUBLE: Type = Type::Sql(SqlType::Double);
    /// `text`
    pub const TEXT: Type = Type::Sql(SqlType::Text);
    /// Plain `numeric`.
    pub const NUMERIC: Type = Type::Sql(PLAIN_NUMERIC);
    /// `interval`
    pub const INTERVAL: Type = Type::Sql(SqlType::Interval);

    /// The category.
    #[must_use]
    pub fn category(self) -> Category {
        match self {
            Type::Unknown => Category::Unknown,
            Type::Array(_) => Category::Array,
            Type::Catalog(catalog) => catalog.base().category(),
            Type::Sql(sql_type) => match sql_type {
                SqlType::Boolean => Category::Boolean,
                SqlType::SmallInt
                | SqlType::Integer
                | SqlType::BigInt
                | SqlType::Real
                | SqlType::Double
                | SqlType::Numeric { .. } => Category::Numeric,
                SqlType::Text | SqlType::Varchar { .. } => Category::String,
                SqlType::Date | SqlType::Timestamp | SqlType::TimestampTz => Category::DateTime,
                SqlType::Interval => Category::Timespan,
                SqlType::Bytea => Category::User,
            },
        }
    }

    /// Whether it is a preferred type of its category (`pg_type.typispreferred`).
    #[must_use]
    pub fn is_preferred(self) -> bool {
        use SqlType::{Boolean, Double, Interval, Text, TimestampTz};
        matches!(self, Type::Sql(Boolean | Double | Text | TimestampTz | Interval))
    }

    /// The same type whatever its precision or length: what overloads are resolved by.
    #[must_use]
    pub fn is_same_kind(self, other: Type) -> bool {
        match (self, other) {
            (Type::Unknown, Type::Unknown) => true,
            (Type::Sql(a), Type::Sql(b)) | (Type::Array(a), Type::Array(b)) => a.oid() == b.oid(),
            (Type::Catalog(a), Type::Catalog(b)) => a == b,
            _ => false,
        }
    }

    /// The SQL type of a value that is no array.
    #[must_use]
    pub fn sql(self) -> Option<SqlType> {
        match self {
            Type::Sql(sql_type) => Some(sql_type),
            _ => None,
        }
    }

    /// The Arrow type of values. `Unknown` is text.
    #[must_use]
    pub fn to_arrow(self) -> DataType {
        match self {
            Type::Unknown => DataType::Utf8,
            Type::Sql(sql_type) => sql_type.to_arrow(),
            Type::Array(element) => DataType::List(Arc::new(Field::new_list_field(element.to_arrow(), true))),
            Type::Catalog(catalog) => catalog.base().to_arrow(),
        }
    }

    /// The type that shows values of an Arrow type; `None` if there is none.
    #[must_use]
    pub fn from_arrow(data_type: &DataType) -> Option<Type> {
        match data_type {
            DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                SqlType::from_arrow(field.data_type()).map(Type::Array)
            }
            other => SqlType::from_arrow(other).map(Type::Sql),
        }
    }

    /// Whether values are 32 or 64 bit floats.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Type::Sql(SqlType::Real | SqlType::Double))
    }
}

impl From<SqlType> for Type {
    fn from(sql_type: SqlType) -> Type {
        Type::Sql(sql_type)
    }
}

/// The name as Postgres prints it in errors: without precision or length.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |sql_type: &SqlType| match sql_type {
            SqlType::Numeric { .. } => "numeric".to_owned(),
            SqlType::Varchar { .. } => "character varying".to_owned(),
            other => other.to_string(),
        };
        match self {
            Type::Unknown => f.write_str("unknown"),
            Type::Sql(sql_type) => f.write_str(&name(sql_type)),
            Type::Array(element) => write!(f, "{}[]", name(element)),
            Type::Catalog(catalog) => f.write_str(catalog.name()),
        }
    }
}
