//! How far ONNX Runtime may rewrite a graph without changing what it says.
//!
//! Its rewrites join the 8-bit steps of a quantised model into products that an x86 processor without VNNI adds up in
//! 16 bits, where they overflow: a pose model that tells three of four people who lie told half of them there. Its switch
//! for wider products (`session.x64quantprecision`) refuses graphs whose convolutions share weights. So such a graph is
//! computed in floats on such a processor, at about twice the time.

use std::path::Path;
use std::{fs, io};

use aho_corasick::AhoCorasick;
use ort::session::builder::GraphOptimizationLevel;

use super::onnx::Provider;

/// The furthest rewriting under which these weights keep their answers. Errors: the file cannot be read.
pub(super) fn optimisation(weights: &Path, provider: Provider) -> io::Result<GraphOptimizationLevel> {
    let overflows = provider == Provider::Cpu && !adds_wide() && quantised(&fs::read(weights)?);
    Ok(if overflows { GraphOptimizationLevel::Level1 } else { GraphOptimizationLevel::All })
}

/// Whether the processor adds 8-bit products in 32 bits.
fn adds_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    true
}

/// Whether a graph has 8-bit steps, by the names of their operators.
fn quantised(onnx: &[u8]) -> bool {
    AhoCorasick::new(["QuantizeLinear", "QLinear"]).is_ok_and(|names| names.is_match(onnx))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_with_8_bit_steps_are_known_by_their_operators() {
        assert!(quantised(b"\x0a\x04x\"\x10DynamicQuantizeLinear"));
        assert!(quantised(b"\x22\x0bQLinearConv"));
        assert!(!quantised(b"\x22\x04Conv\x22\x06Linear"));
    }

    #[test]
    fn a_missing_file_is_an_error_only_where_it_must_be_read() {
        let missing = optimisation(Path::new("/nowhere/model.onnx"), Provider::Cpu);
        assert_eq!(missing.is_err(), !adds_wide());
        assert!(optimisation(Path::new("/nowhere/model.onnx"), Provider::Cuda).is_ok());
    }
}
