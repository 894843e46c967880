//! Two surfaces compared.

use serde::Serialize;

use crate::model::SafeText;

/// Two surfaces compared by Fisher's exact test, two-sided.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// `fisher_exact`
    pub test: &'static str,
    /// The surface with the higher failed ratio.
    pub a: SafeText,
    /// Its failed checks.
    pub a_failed: u64,
    /// Its judged checks.
    pub a_judged: u64,
    /// The other surface.
    pub b: SafeText,
    /// Its failed checks.
    pub b_failed: u64,
    /// Its judged checks.
    pub b_judged: u64,
    /// The two-sided p-value: the probability, if both fail alike, of a result no likelier than
    /// this one.
    pub p: f64,
    /// Whether `a` is significantly worse: p ≤ 0.05.
    pub significant: bool,
    /// `app is worse than web` or `cannot tell app from web`, with the labels of the surfaces.
    pub reading: String,
}
