//! Has libFuzzer try the target named by `FUZZ_TARGET`.
//! Options: <https://llvm.org/docs/LibFuzzer.html#options>

#![no_main]

use std::env;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use llm_proxy_fuzz::Target;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET={name} is no target"))
});

fuzz_target!(|input: &[u8]| TARGET.run(input));
