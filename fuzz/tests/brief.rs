//! Every target on the fixtures, and on some thousand inputs made from them: the same in every run.
//! `make fuzz` looks further.

use std::panic::catch_unwind;

use llm_proxy_fuzz::mutation::{Random, mutant};
use llm_proxy_fuzz::{Target, seeds};
use rstest::rstest;

const INPUTS: usize = 4000;

#[rstest]
fn no_input_breaks(
    #[values(
        "openai",
        "anthropic",
        "gemini",
        "mistral",
        "cohere",
        "ollama",
        "framing",
        "requests",
        "clients",
        "refusals"
    )]
    target: &str,
) {
    let target = Target::named(target).unwrap();
    let seeds = seeds::of(target).unwrap();
    let mut random = Random::new(1);
    let mutants = std::iter::repeat_with(|| mutant(&seeds, &mut random)).take(INPUTS);
    for input in [Vec::new()].into_iter().chain(seeds.clone()).chain(mutants) {
        let survived = catch_unwind(|| target.run(&input)).is_ok();
        assert!(survived, "{} is broken by {:?}", target.name, String::from_utf8_lossy(&input));
    }
}

#[test]
fn every_target_is_tried() {
    let names: Vec<_> = llm_proxy_fuzz::TARGETS.iter().map(|target| target.name).collect();
    let tried = [
        "openai",
        "anthropic",
        "gemini",
        "mistral",
        "cohere",
        "ollama",
        "framing",
        "requests",
        "clients",
        "refusals",
    ];
    assert_eq!(names, tried);
}
