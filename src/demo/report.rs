//! What the demo says at the end: the numbers, and what one household would be shown.

use super::client::{connect, describe};
use super::format::{column, delay, say, thousands};
use super::sample::Sample;
use super::stats::Stats;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Purchases shown of the household.
const RECENT: usize = 8;
/// Products named as the reason of a recommendation; the others are counted.
const REASONS: usize = 2;
/// Width of a product's name.
const NAME: usize = 44;

/// Prints the report, asking the server as psql would.
pub(super) async fn print(
    addr: SocketAddr,
    sample: &Sample,
    stats: &Stats,
    took: Duration,
    stays: bool,
) -> Result<(), String> {
    numbers(sample, stats, took);
    let client = connect(addr).await?;
    // The one that was in the shop last.
    let household = sample.events()[sample.len() - 1].household;
    recent(&client, household, &sample.day(usize::MAX)).await?;
    let first = recommended(&client, household).await?;
    if stays {
        let week = rows(&client, "SELECT max(week) AS week FROM top_products").await?;
        let week = week.first().and_then(|row| row.first()?.get(..10)).unwrap_or("2017-12-25").to_owned();
        say("\nLook around (Ctrl-C here ends it):\n");
        say(&format!("  {}\n", crate::cli::psql(addr)));
        say(&format!("  SELECT * FROM recommendations WHERE household_id = {household} ORDER BY rank;"));
        say(&format!("  SELECT category, n FROM affinity WHERE household_id = {household} ORDER BY n DESC LIMIT 5;"));
        say(&format!("  SELECT rank, name, n FROM top_products WHERE week = '{week}' ORDER BY rank;"));
        say("  \\d recommendations");
        if let Some(product) = first {
            say("\nLet it buy the first of them, and ask for its recommendations again:\n");
            say(&format!(
                "  INSERT INTO purchases VALUES ({household}, 1, {product}, 1, 2.50, '2018-01-02 09:00:00');"
            ));
        }
        say("\nThe views are in src/demo/demo.sql.");
    }
    Ok(())
}

fn numbers(sample: &Sample, stats: &Stats, took: Duration) {
    let numbers = stats.numbers();
    let per_second = |count: u64| thousands((count as f64 / took.as_secs_f64().max(1e-9)) as u64);
    let (from, to) = (sample.day(0), sample.day(usize::MAX));
    let (visible, lookup) = (numbers.visible_us, numbers.lookup_us);
    say(&format!(
        "Replayed {} purchases ({from} to {to}) in {:.1} s: {} events/s.",
        thousands(numbers.events),
        took.as_secs_f64(),
        per_second(numbers.events)
    ));
    say(&format!("  event to visible on another connection: p50 {}, p99 {}", delay(visible.0), delay(visible.1)));
    say(&format!(
        "  batches that were not visible yet when acknowledged: {} of {}",
        thousands(numbers.late),
        thousands(numbers.batches)
    ));
    say(&format!(
        "  lookups meanwhile: {}/s, p50 {}, p99 {}",
        per_second(numbers.lookups),
        delay(lookup.0),
        delay(lookup.1)
    ));
}

async fn recent(client: &Client, household: i64, day: &str) -> Result<(), String> {
    let sql = format!(
        "SELECT l.last_bought, p.name FROM bought_lately AS l JOIN products AS p ON p.product_id = l.product_id \
         WHERE l.household_id = {household} ORDER BY l.rank LIMIT {RECENT}"
    );
    say(&format!("\nHousehold {household} was in the shop last, on {day}. What it bought lately:\n"));
    for row in rows(client, &sql).await? {
        if let [when, name] = &row[..] {
            say(&format!("  {}  {name}", when.get(..10).unwrap_or(when)));
        }
    }
    Ok(())
}

/// Returns the product recommended first.
async fn recommended(client: &Client, household: i64) -> Result<Option<String>, String> {
    let sql = format!(
        "SELECT rank, product_id, name, category, category_n FROM recommendations WHERE household_id = {household} ORDER BY rank"
    );
    let reasons = reasons(client, household).await?;
    say("\nWhat to show it next:\n");
    let mut first = None;
    for row in rows(client, &sql).await? {
        let [rank, product, name, category, items] = &row[..] else { continue };
        let why = reasons.get(product).map(|names| goes_with(names)).unwrap_or_default();
        say(&format!("  {rank:>2}  {}  {why}", column(name, NAME)));
        say(&format!("      {:NAME$}  likes {category} ({items} bought)", ""));
        first.get_or_insert_with(|| product.clone());
    }
    Ok(first)
}

/// For each product that goes with what the household bought lately: the names of those, the strongest first.
async fn reasons(client: &Client, household: i64) -> Result<HashMap<String, Vec<String>>, String> {
    let sql = format!(
        "SELECT t.other_id, p.name FROM bought_lately AS l JOIN bought_together AS t ON t.product_id = l.product_id \
         JOIN products AS p ON p.product_id = l.product_id WHERE l.household_id = {household} ORDER BY t.rank, l.rank"
    );
    let mut reasons: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows(client, &sql).await? {
        if let [product, name] = &row[..] {
            reasons.entry(product.clone()).or_default().push(name.clone());
        }
    }
    Ok(reasons)
}

/// `goes with A, B and 3 more`.
fn goes_with(names: &[String]) -> String {
    // The size says nothing here: `Hot dog buns, 11 oz (store brand)` is `Hot dog buns`.
    let mut short: Vec<&str> = names.iter().map(|name| name.split([',', '(']).next().unwrap_or(name).trim()).collect();
    let all = short.len();
    let mut seen = std::collections::HashSet::new();
    short.retain(|name| seen.insert(*name));
    short.truncate(REASONS);
    match all - short.len() {
        0 => format!("goes with {}", short.join(" and ")),
        more => format!("goes with {} and {more} more", short.join(", ")),
    }
}

/// The rows of a query as text, NULL as an empty one.
async fn rows(client: &Client, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let messages = client.simple_query(sql).await.map_err(|error| describe(sql, &error))?;
    let row = |message: SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_short_and_named_once() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(goes_with(&names(&["Hot dog buns, 11 oz (store brand)"])), "goes with Hot dog buns");
        assert_eq!(goes_with(&names(&["Eggs, 1 dz", "Bananas"])), "goes with Eggs and Bananas");
        assert_eq!(goes_with(&names(&["Eggs, 1 dz", "Eggs, 2 dz", "Milk", "Corn"])), "goes with Eggs, Milk and 2 more");
    }
}
