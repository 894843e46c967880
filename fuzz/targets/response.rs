#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uptick_fuzz::feed("response", input));
