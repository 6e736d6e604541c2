//! Endpoints' names: unique, the same after every reload of the same file, fit for a header.

use std::collections::HashMap;

use crate::domain::endpoint::Endpoint;

/// `text` in the visible characters of ASCII, so that it can stand in a header.
pub fn header_safe(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_ascii_graphic() { c } else { '-' }).collect()
}

/// Tells endpoints of one name apart: by their hosts where these differ, else by their order.
pub fn make_unique<'a>(endpoints: impl IntoIterator<Item = &'a mut Endpoint>) {
    let mut endpoints: Vec<&mut Endpoint> = endpoints.into_iter().collect();
    let mut hosts: HashMap<String, Vec<String>> = HashMap::new();
    for endpoint in &endpoints {
        hosts.entry(endpoint.name.clone()).or_default().push(endpoint.url.authority.to_string());
    }
    for endpoint in &mut endpoints {
        let Some(of_its_name) = hosts.get(&endpoint.name) else { continue };
        let host = endpoint.url.authority.to_string();
        if of_its_name.iter().any(|other| *other != host) {
            endpoint.name = format!("{}@{host}", endpoint.name);
        }
    }
    number(&mut endpoints);
}

fn number(endpoints: &mut [&mut Endpoint]) {
    let mut taken: Vec<String> = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        let mut name = endpoint.name.clone();
        let mut count = 1;
        while taken.contains(&name) {
            count += 1;
            name = format!("{}#{count}", endpoint.name);
        }
        taken.push(name.clone());
        endpoint.name = name;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::endpoint::{Deadlines, Provider};
    use rstest::rstest;

    #[rstest]
    #[case::different_names(&[("a", "http://x"), ("b", "http://x")], &["a", "b"])]
    #[case::different_hosts(&[("a", "http://x"), ("a", "http://y:1")], &["a@x", "a@y:1"])]
    #[case::the_same_host(&[("a", "http://x"), ("a", "http://x/v1")], &["a", "a#2"])]
    #[case::both(&[("a", "http://x"), ("a", "http://y"), ("a", "http://x")], &["a@x", "a@y", "a@x#2"])]
    #[case::a_name_that_looks_numbered(&[("a#2", "http://x"), ("a", "http://x"), ("a", "http://x")], &["a#2", "a", "a#3"])]
    fn endpoints_of_one_name_are_told_apart(#[case] given: &[(&str, &str)], #[case] expected: &[&str]) {
        let second = Duration::from_secs(1);
        let deadlines = Deadlines { connect: second, first_byte: second, idle: second, total: second };
        let endpoint = |(name, url): &(&str, &str)| {
            Endpoint::new(*name, Provider::Openai, url.parse().expect("a URL"), deadlines)
        };
        let mut endpoints: Vec<Endpoint> = given.iter().map(endpoint).collect();
        make_unique(&mut endpoints);
        let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_name_can_stand_in_a_header() {
        assert_eq!(header_safe(" Modèle interne\n2 "), "Mod-le-interne-2");
    }
}
