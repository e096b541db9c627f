//! Preparing: which statement is bound how.

use super::{Engine, OutputColumn, Prepared, PreparedBody, Settings, explain, result, settings};
use attune_sql::SqlError;
use attune_sql::algebra::Type;
use attune_sql::statement::{Parsed, Statement};

impl Engine {
    /// Binds and types a statement. `declared` are the parameter types the client named (None: infer).
    ///
    /// # Errors
    /// What the statement is refused for: unknown names, wrong types, unsupported clauses.
    pub fn prepare(
        &self,
        parsed: Parsed,
        declared: &[Option<Type>],
        settings: &Settings,
    ) -> Result<Prepared, SqlError> {
        match &parsed.statement {
            Statement::Query(query) => {
                let query = query.clone();
                self.prepare_query(parsed, &query, declared, settings)
            }
            Statement::CopyTo(copy) => {
                let query = copy.query.clone();
                self.prepare_query(parsed, &query, declared, settings)
            }
            Statement::Insert(insert) => {
                let insert = insert.clone();
                self.prepare_insert(parsed, &insert, declared, settings)
            }
            Statement::Update(statement) | Statement::Delete(statement) => {
                let statement = statement.clone();
                self.prepare_change(parsed, &statement, declared, settings)
            }
            Statement::Show { name } => {
                let columns = settings::columns(name, settings)?;
                Ok(self.statement(parsed, Some(columns)))
            }
            Statement::Explain(explained) => {
                let inner = explained.statement.as_ref().clone();
                let parameters = match inner.statement {
                    Statement::CreateView(_) => Vec::new(),
                    _ => self.prepare(inner, declared, settings)?.parameters,
                };
                let columns = result::text_columns(&[explain::COLUMN]);
                Ok(Prepared { parameters, ..self.statement(parsed, Some(columns)) })
            }
            _ => Ok(self.statement(parsed, None)),
        }
    }

    /// A statement that is executed from its syntax tree.
    fn statement(&self, parsed: Parsed, columns: Option<Vec<OutputColumn>>) -> Prepared {
        Prepared {
            parsed,
            parameters: Vec::new(),
            columns,
            lookup: None,
            ranking: None,
            catalog_version: self.coordinator.catalog().version(),
            body: PreparedBody::Statement,
        }
    }
}
