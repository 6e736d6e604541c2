use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::domain::endpoint::UpstreamModel;
use rstest::rstest;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SETTINGS: Deadlines = Deadlines { connect: s(5), first_byte: s(120), idle: s(60), total: s(600) };

const VARIABLES: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", "sk-hunter2"),
    ("ANTHROPIC_API_KEY", "sk-hunter3"),
    ("AZURE_API_KEY", "hunter4"),
    ("TEST_UPSTREAM_KEY", "hunter5"),
    ("TEST_UPSTREAM_URL", "http://upstream.test/v1"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads a file of the repository; findings name it without its folder.
fn read_file(path: &str) -> Result<Configuration, ConfigError> {
    let path = root().join(path);
    let text = fs::read_to_string(&path).expect("a file of the repository");
    let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    read(Path::new(path.file_name().expect("a name")), &text, &variables, SETTINGS)
}

#[rstest]
#[case::litellms_file("rich.yaml")]
#[case::a_desktop_applications("desktop.ini")]
fn a_configuration_is_explained_in_plain_words(#[case] name: &str) {
    let text = explain(&read_file(&format!("tests/fixtures/config/{name}")).expect("valid"));
    assert!(!text.contains("hunter") && !text.contains("secret@"), "{text}");
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root().join("tests/fixtures/config"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_repositorys_own_file_is_read_without_a_doubt() {
    let configuration = read_file("litellm_config.yaml").expect("valid");
    let names: Vec<&str> = configuration.models.groups.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["llama3.2", "mistral", "gpt-3.5-turbo", "nomic-embed-text"]);
    assert_eq!((configuration.models.retries, configuration.left_out.len()), (Some(1), 0));
    let endpoint = &configuration.models.groups[0].endpoints[0];
    assert!(endpoint.params.drop_unsupported && endpoint.deadlines.total == s(600));
    let warnings: Vec<String> = configuration.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].ends_with("`general_settings.master_key` is ignored: LITELLM_MASTER_KEY is not set"));
}

#[test]
fn the_file_that_the_tests_start_litellm_with_is_read() {
    let configuration = read_file("tests/python/litellm_config.yaml").expect("valid");
    assert_eq!((configuration.models.groups.len(), configuration.models.retries), (11, Some(0)));
    assert_eq!(configuration.left_out, []);
    assert_eq!(configuration.warnings, []);
}

#[rstest]
#[case::a_yml("c.yml", "model_list: [{model_name: a, litellm_params: {model: ollama/a}}]")]
#[case::in_capitals("C.YAML", "model_list: [{model_name: a, litellm_params: {model: ollama/a}}]")]
#[case::an_ini("c.ini", "[LLM:a]\napi_type = ollama\nmodel = a")]
fn a_files_name_says_its_format(#[case] name: &str, #[case] text: &str) {
    let configuration = read(Path::new(name), text, &Variables::new(), SETTINGS).expect("valid");
    assert_eq!(configuration.models.groups[0].name, "a");
}

#[test]
fn a_file_of_another_format_is_refused() {
    let error = read(Path::new("c.toml"), "", &Variables::new(), SETTINGS).expect_err("no format");
    assert_eq!(error.to_string(), "c.toml: the name has to end in .yaml, .yml or .ini");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = load(Path::new("/nowhere/c.yaml"), &Variables::new(), SETTINGS).expect_err("no file");
    assert!(error.to_string().starts_with("/nowhere/c.yaml: the file cannot be read: "), "{error}");
}

#[rstest]
#[case::litellms_file("rich.yaml")]
#[case::a_desktop_applications("desktop.ini")]
fn a_file_that_was_cut_anywhere_is_read_or_refused_in_one_line(#[case] name: &str) {
    let text = fs::read_to_string(root().join("tests/fixtures/config").join(name)).expect("a fixture");
    let variables: Variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut refused = 0;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(error) = read(Path::new(name), &text[..end], &variables, SETTINGS) {
            let told = error.to_string();
            assert!(!told.contains('\n') && !told.contains("hunter") && told.starts_with(name), "{told}");
            refused += 1;
        }
    }
    assert!(refused > 0 && refused < text.len(), "{refused} of {}", text.len());
}

fn document(second: &str) -> Result<Configuration, ConfigError> {
    let first = r#"{"model_name": "a", "litellm_params": {"model": "ollama/\ud83d\ude00"}}"#;
    let text = format!(r#"{{"model_list": [{first}, {second}]}}"#);
    read_document(&text, &Variables::new(), SETTINGS)
}

#[test]
fn a_document_is_read_as_a_file_is() {
    let second = r#"{"model_name": "yes", "litellm_params": {"model": "ollama/b", "order": 2}}"#;
    let configuration = document(second).expect("valid");
    let groups = &configuration.models.groups;
    assert_eq!(groups.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["a", "yes"]);
    assert_eq!(groups[0].endpoints[0].model, UpstreamModel::Named("😀".to_owned()));
    assert_eq!(configuration.warnings, []);
}

#[rstest]
#[case::a_member(
    r#"{"model_name": "b", "litellm_params": {"model": "ollama/b", "order": "x"}}"#,
    "model_list[1].litellm_params.order: "
)]
#[case::an_entry(r#"{"litellm_params": {"model": "ollama/b"}}"#, "model_list[1]: ")]
#[case::no_json("{", "the configuration: this is no JSON: ")]
fn what_is_wrong_in_a_document_is_told_with_its_place(#[case] second: &str, #[case] begin: &str) {
    let line = document(second).expect_err("it is wrong").to_string();
    assert!(line.starts_with(begin), "{line}");
}

#[test]
fn an_endpoint_that_a_document_leaves_out_is_told_with_its_place() {
    let second =
        r#"{"model_name": "b", "litellm_params": {"model": "openai/b", "api_key": "os.environ/NO_KEY"}}"#;
    let left_out = document(second).expect("one is left").left_out;
    let lines: Vec<_> = left_out.iter().map(ToString::to_string).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("model_list[1]"), "{lines:?}");
}

#[test]
fn a_document_that_leaves_nobody_is_refused_and_can_be_looked_at() {
    let text = r#"{"model_list": [{"model_name": "b", "litellm_params": {"model": "openai/b"}}]}"#;
    let line = read_document(text, &Variables::new(), SETTINGS).expect_err("nobody").to_string();
    assert!(line.starts_with("the configuration: no endpoint is left: "), "{line}");
    let surveyed = survey_document(text, &Variables::new(), SETTINGS).expect("a survey");
    assert_eq!(surveyed.left_out.len(), 1);
}
