//! The series of a window for OTLP: failures are separated by their code, if one is known.

use std::borrow::Cow;
use std::sync::Arc;

use crate::metric::{self, Series, Value};
use crate::model::{FailureClass, Shard};
use crate::window::Window;

/// The series of a window.
#[must_use]
pub(super) fn of_window(window: &Window, shard: Option<Shard>) -> Vec<Series<'_>> {
    let of = Arc::new(metric::identity_of(window, shard));
    let mut all = metric::of_window(window, shard);
    all.retain(|series| series.family != &metric::FAILURES);
    let mut add = |class: FailureClass, code: Option<u16>, count: u64| {
        let code = code.map(|code| ("code", Cow::Owned(code.to_string())));
        let more_labels = [("class", Cow::Borrowed(class.name()))].into_iter().chain(code).collect();
        all.push(Series { family: &metric::FAILURES, of: Arc::clone(&of), more_labels, value: Value::Count(count) });
    };
    for (class, count) in &window.failures {
        let codes = window.codes.iter().filter(|((of, _), _)| of == class);
        let known: u64 = codes.clone().map(|(_, count)| count).sum();
        codes.for_each(|((_, code), count)| add(*class, Some(*code), *count));
        if *count > known {
            add(*class, None, count - known);
        }
    }
    all
}
