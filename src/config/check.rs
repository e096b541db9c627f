//! What settings must be for a server to work.

use super::memory::LEAST_BYTES;
use super::{Config, Setting};

impl Config {
    /// Refuses values no server could work with.
    pub(super) fn check(&self) -> Result<(), String> {
        if !["text", "json"].contains(&self.log_format.as_str()) {
            return Err(format!("log_format = {}: expected text or json", self.log_format));
        }
        if self.memory_bytes > 0 && self.memory_bytes < LEAST_BYTES {
            let least = LEAST_BYTES >> 20;
            return Err(format!("memory_bytes = {}: must be at least {least}MB, or 0", self.memory_bytes));
        }
        let least = [
            ("memtable_bytes", self.memtable_bytes, 1 << 20),
            ("epoch_max_bytes", self.epoch_max_bytes, 1 << 16),
            ("epoch_max_rows", self.epoch_max_rows, 1),
            ("input_queue_bytes", self.input_queue_bytes, 1 << 16),
            ("input_queue_writes", self.input_queue_writes, 1),
            ("backfill_chunk_rows", self.backfill_chunk_rows, 1),
            ("max_connections", self.max_connections, 1),
            ("max_starting_connections", self.max_starting_connections, 1),
            ("max_message_bytes", self.max_message_bytes, 1 << 10),
            ("prepared_statements_max", self.prepared_statements_max, 1),
            ("transaction_max_bytes", self.transaction_max_bytes, 1 << 10),
            ("query_memory_bytes", self.query_memory_bytes, 1 << 20),
            ("expression_max_bytes", self.expression_max_bytes, 1 << 10),
            ("client_write_timeout_ms", self.client_write_timeout_ms as usize, 1),
            ("startup_timeout_ms", self.startup_timeout_ms as usize, 1),
        ];
        for (name, value, least) in least {
            if value < least {
                let shown = Setting::find(name).map_or_else(|| value.to_string(), |setting| setting.show(self));
                return Err(format!("{name} = {shown}: must be at least {least}"));
            }
        }
        Ok(())
    }
}
