//! "Did you mean": the nearest of a set of names.

/// The candidate nearest to `name`, if one is near enough to be a typing mistake.
///
/// Damerau-Levenshtein distance (a swap of two neighbours is one mistake), at most a third of the longer name and at
/// least one. Ties go to the first in alphabetical order, so that messages are stable.
#[must_use]
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
            let longer = name.chars().count().max(candidate.chars().count());
            (distance <= (longer / 3).max(1) && distance < longer).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn typing_mistakes_are_found() {
        let names = ["purchases", "products", "spend", "affinity"];
        assert_eq!(suggest("purchase", names), Some("purchases"));
        assert_eq!(suggest("pruducts", names), Some("products"));
        assert_eq!(suggest("Spedn", names), Some("spend"));
        assert_eq!(suggest("customers", names), None);
        assert_eq!(suggest("x", names), None);
    }
}
