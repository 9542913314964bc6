#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hadamard_fuzz::readers::edf(bytes));
