//! The one error type of everything a client can see.

use datafusion::sql::sqlparser::tokenizer::Span;
use std::fmt;

/// An error with the meaning Postgres clients expect: SQLSTATE, message, and where it helps detail, hint and position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// What kind of error.
    pub state: SqlState,
    /// One sentence: what is wrong.
    pub message: String,
    /// Facts that help to find it.
    pub detail: Option<String>,
    /// What to do instead.
    pub hint: Option<String>,
    /// Position in the statement text, in characters, from 1.
    pub position: Option<u32>,
    /// Where it happened, for errors inside a longer operation ("COPY purchases, line 3").
    pub context: Option<String>,
    /// The table, column or constraint it is about, for programs.
    pub subject: Option<Box<Subject>>,
}

/// What an error is about: the fields of their own that drivers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Table.
    pub table: String,
    /// Column.
    pub column: Option<String>,
    /// Constraint.
    pub constraint: Option<String>,
}

macro_rules! sql_states {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// SQLSTATE codes in use (Postgres, appendix A).
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum SqlState { $($(#[$doc])* $name,)* }
        impl SqlState {
            /// The five characters.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(SqlState::$name => $code,)* }
            }
        }
    };
}

sql_states! {
    /// Malformed protocol message.
    ProtocolViolation = "08P01",
    /// Not supported (yet).
    FeatureNotSupported = "0A000",
    /// A string is longer than its column allows.
    StringDataRightTruncation = "22001",
    /// A number does not fit its type.
    NumericValueOutOfRange = "22003",
    /// A date or time that does not exist or has another form.
    InvalidDatetimeFormat = "22007",
    /// A date or time field beyond its range (month 13).
    DatetimeFieldOverflow = "22008",
    /// Division by zero.
    DivisionByZero = "22012",
    /// A logarithm of zero or of a negative number.
    InvalidArgumentForLogarithm = "2201E",
    /// A power or root that is no real number.
    InvalidArgumentForPower = "2201F",
    /// Bounds or a count that make no buckets.
    InvalidArgumentForWidthBucket = "2201G",
    /// NULL where a function needs a value.
    NullValueNotAllowed = "22004",
    /// A regular expression that cannot be read.
    InvalidRegularExpression = "2201B",
    /// A parameter or setting has an impossible value.
    InvalidParameterValue = "22023",
    /// Bytes that are not valid UTF-8.
    CharacterNotInRepertoire = "22021",
    /// A subquery used as an expression returned more than one row.
    CardinalityViolation = "21000",
    /// Text that is not a value of the type.
    InvalidTextRepresentation = "22P02",
    /// Binary data that is not a value of the type.
    InvalidBinaryRepresentation = "22P03",
    /// A COPY line that cannot be read.
    BadCopyFileFormat = "22P04",
    /// NULL in a NOT NULL column.
    NotNullViolation = "23502",
    /// Duplicate key.
    UniqueViolation = "23505",
    /// A statement inside a failed transaction block.
    InFailedTransaction = "25P02",
    /// BEGIN inside a transaction block.
    ActiveTransaction = "25001",
    /// COMMIT or ROLLBACK outside a transaction block.
    NoActiveTransaction = "25P01",
    /// An unknown prepared statement.
    InvalidStatementName = "26000",
    /// An unknown portal or cursor.
    InvalidCursorName = "34000",
    /// Others depend on the object.
    DependentObjectsStillExist = "2BP01",
    /// Conflict with a concurrent write; trying again may succeed.
    SerializationFailure = "40001",
    /// The statement cannot be parsed.
    SyntaxError = "42601",
    /// Types do not fit.
    DatatypeMismatch = "42804",
    /// A name is longer than 63 bytes.
    NameTooLong = "42622",
    /// A name that is kept for Attune.
    ReservedName = "42939",
    /// A window function where none is allowed.
    WindowingError = "42P20",
    /// No such schema.
    InvalidSchemaName = "3F000",
    /// A column definition that makes no sense.
    InvalidColumnDefinition = "42611",
    /// A value of this type cannot be converted to that type.
    CannotCoerce = "42846",
    /// An aggregate or GROUP BY misuse.
    GroupingError = "42803",
    /// No such table, view or stream.
    UndefinedTable = "42P01",
    /// No such column.
    UndefinedColumn = "42703",
    /// No such function (or not with these argument types).
    UndefinedFunction = "42883",
    /// No such type, index or other object.
    UndefinedObject = "42704",
    /// A parameter that was not given a value or type.
    UndefinedParameter = "42P02",
    /// A name that could mean several columns.
    AmbiguousColumn = "42702",
    /// The object is of another kind.
    WrongObjectType = "42809",
    /// A relation of that name exists.
    DuplicateTable = "42P07",
    /// A negative LIMIT.
    InvalidRowCountInLimit = "2201W",
    /// A negative OFFSET.
    InvalidRowCountInOffset = "2201X",
    /// Nothing tells the type of a value.
    IndeterminateDatatype = "42P18",
    /// An escape character that is none.
    InvalidEscapeSequence = "22025",
    /// A part of a text or of bytes with a length below zero.
    SubstringError = "22011",
    /// Two tables of FROM have one name.
    DuplicateAlias = "42712",
    /// Several functions or operators fit.
    AmbiguousFunction = "42725",
    /// A column of that name exists.
    DuplicateColumn = "42701",
    /// Another object of that name exists.
    DuplicateObject = "42710",
    /// A statement or portal of that name exists.
    DuplicatePreparedStatement = "42P05",
    /// A definition that makes no sense.
    InvalidTableDefinition = "42P16",
    /// ntile() of no buckets.
    InvalidArgumentForNtile = "22014",
    /// nth_value() of no row.
    InvalidArgumentForNthValue = "22016",
    /// ON CONFLICT names no unique key.
    InvalidColumnReference = "42P10",
    /// Out of memory or over a named memory limit.
    OutOfMemory = "53200",
    /// More connections than allowed.
    TooManyConnections = "53300",
    /// Over a configured limit.
    ConfigurationLimitExceeded = "53400",
    /// Over a fixed limit (columns, message size).
    ProgramLimitExceeded = "54000",
    /// A statement is nested too deeply.
    StatementTooComplex = "54001",
    /// Over a limit on columns or keys.
    TooManyColumns = "54011",
    /// Over a limit on arguments.
    TooManyArguments = "54023",
    /// The object is not in a state for this (a view still being backfilled, a failed view).
    ObjectNotInPrerequisiteState = "55000",
    /// Cancelled on request or by a timeout.
    QueryCanceled = "57014",
    /// The server is shutting down.
    AdminShutdown = "57P01",
    /// The server cannot take connections now.
    CannotConnectNow = "57P03",
    /// The operating system failed.
    IoError = "58030",
    /// Stored data is damaged.
    DataCorrupted = "XX001",
    /// A fault in Attune.
    InternalError = "XX000",
}

impl SqlError {
    /// An error with a message only.
    #[must_use]
    pub fn new(state: SqlState, message: impl Into<String>) -> SqlError {
        let message = message.into();
        SqlError { state, message, detail: None, hint: None, position: None, context: None, subject: None }
    }

    /// Something Attune does not do (yet), and what to do instead.
    #[must_use]
    pub fn unsupported(what: impl Into<String>, instead: impl Into<String>) -> SqlError {
        SqlError::new(SqlState::FeatureNotSupported, what).with_hint(instead)
    }

    /// A fault in Attune itself.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> SqlError {
        SqlError::new(SqlState::InternalError, message)
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> SqlError {
        self.hint = Some(hint.into());
        self
    }

    /// Adds facts.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> SqlError {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the position in the statement (characters, from 1).
    #[must_use]
    pub fn at(mut self, position: usize) -> SqlError {
        self.position = u32::try_from(position).ok();
        self
    }

    /// Adds where in the statement it is, unless that is known better already. Spans of statements that [`crate::statement::parse`]
    /// gave have their positions as columns of line 1; others (of a DEFAULT, say) belong to another text.
    #[must_use]
    pub fn or_at(mut self, span: Span) -> SqlError {
        if let (None, 1) = (self.position, span.start.line) {
            self.position = u32::try_from(span.start.column).ok();
        }
        self
    }

    /// Adds the column it is about.
    #[must_use]
    pub fn about_column(mut self, table: impl Into<String>, column: impl Into<String>) -> SqlError {
        let (table, column) = (table.into(), Some(column.into()));
        self.subject = Some(Box::new(Subject { table, column, constraint: None }));
        self
    }

    /// Adds the constraint it is about.
    #[must_use]
    pub fn about_constraint(mut self, table: impl Into<String>, constraint: impl Into<String>) -> SqlError {
        let (table, constraint) = (table.into(), Some(constraint.into()));
        self.subject = Some(Box::new(Subject { table, column: None, constraint }));
        self
    }

    /// Adds where it happened.
    #[must_use]
    pub fn in_context(mut self, context: impl Into<String>) -> SqlError {
        self.context = Some(context.into());
        self
    }

    /// Whether the same statement may succeed when it is sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.state, SqlState::SerializationFailure)
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.state.code())?;
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SqlError {}
