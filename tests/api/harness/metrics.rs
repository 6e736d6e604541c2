//! The page of counts, read as Prometheus reads it.

use std::collections::BTreeMap;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub samples: Vec<Sample>,
}

impl Page {
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "no end: {text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(sample).collect();
        Self { samples }
    }

    /// The sum of all samples of a name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let mut labels = labels.iter();
            sample.name == name
                && labels.all(|(name, value)| {
                    sample.labels.get(*name).map(String::as_str) == Some(*value)
                })
        };
        let found = self.samples.iter().filter(has);
        found.map(|sample| sample.value).sum()
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap();
    let mut found = BTreeMap::new();
    for label in labels.split("\",").filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once("=\"").unwrap();
        found.insert(name.to_owned(), value.trim_end_matches('"').to_owned());
    }
    Sample {
        name: name.to_owned(),
        labels: found,
        value: value.parse().unwrap(),
    }
}
