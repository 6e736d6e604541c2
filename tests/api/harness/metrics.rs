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
                && labels.all(|(name, value)| sample.labels.get(*name).map(String::as_str) == Some(*value))
        };
        let found = self.samples.iter().filter(has);
        found.fold(0.0, |sum, sample| sum + sample.value)
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    Sample {
        name: name.to_owned(),
        labels: labels_of(labels.strip_suffix('}').unwrap()),
        value: value.parse().unwrap(),
    }
}

/// `a="b",c="d"`; in a value, a backslash stands before what means something.
fn labels_of(mut text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let (mut value, mut rest) = (String::new(), rest.chars());
        loop {
            match rest.next().expect("the end of a label's value") {
                '"' => break,
                '\\' => value.extend(rest.next()),
                other => value.push(other),
            }
        }
        labels.insert(name.to_owned(), value);
        text = rest.as_str().trim_start_matches(',');
    }
    assert_eq!(text, "", "no label");
    labels
}
