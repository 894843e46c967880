//! The maintenance windows of Gatus, which recur every day or on some days of the week.

use serde_json::Value;

use crate::config::toml_text::quoted;
use crate::import::document::{elements, text};
use crate::import::draft::ProbeDraft;
use crate::model::quantity;

/// The supported fields of a window.
pub(super) const READ: [&str; 5] = ["enabled", "start", "duration", "timezone", "every"];

/// A window as a TOML table. `None` if it is disabled or its times cannot be read.
pub(super) fn window(window: &Value) -> Option<String> {
    if window["enabled"] == Value::Bool(false) {
        return None;
    }
    let start = start(&window["start"])?;
    let lasts = quantity::positive_duration(window["duration"].as_str()?).ok()?;
    let days = elements(&window["every"]).iter().filter_map(Value::as_str);
    let days: Vec<String> = days.filter_map(|day| day.get(..3)).map(str::to_ascii_uppercase).collect();
    let days = if days.is_empty() { "*".to_owned() } else { days.join(",") };
    let zone = window["timezone"].as_str().unwrap_or("UTC");
    let schedule = quoted(&format!("{} {} * * {days} {zone}", start.1, start.0));
    Some(format!("{{ schedule = {schedule}, for = {} }}", quoted(&quantity::show_duration(lasts))))
}

/// `23:00` as hour and minute. A YAML 1.1 parser turns it into a number of minutes.
fn start(start: &Value) -> Option<(u64, u64)> {
    if let Some(minutes) = start.as_u64() {
        return (minutes < 24 * 60).then_some((minutes / 60, minutes % 60));
    }
    let start = text(start)?;
    let (hour, minute) = start.split_once(':')?;
    let (hour, minute): (u64, u64) = (hour.trim().parse().ok()?, minute.trim().parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

/// Adds windows to those of a draft.
pub(super) fn set(draft: &mut ProbeDraft, windows: &[String]) {
    let before = draft.get("maintenance").map(|before| before.trim_start_matches('[').trim_end_matches(']').to_owned());
    let all: Vec<String> = before.into_iter().chain(windows.iter().cloned()).collect();
    if !all.is_empty() {
        draft.set("maintenance", format!("[{}]", all.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_becomes_a_cron_expression_with_its_zone() {
        let of = |said: Value| window(&said);
        let all = serde_json::json!({ "start": "23:05", "duration": "1h", "timezone": "Europe/Berlin", "every": ["Monday", "Thursday"] });
        assert_eq!(of(all).as_deref(), Some("{ schedule = \"5 23 * * MON,THU Europe/Berlin\", for = \"1h\" }"));
        let short = serde_json::json!({ "start": "07:30", "duration": "40m" });
        assert_eq!(of(short).as_deref(), Some("{ schedule = \"30 7 * * * UTC\", for = \"40m\" }"));
        for none in [
            serde_json::json!({ "enabled": false, "start": "07:30", "duration": "40m" }),
            serde_json::json!({ "start": "25:00", "duration": "40m" }),
            serde_json::json!({ "start": "07:30" }),
            Value::Null,
        ] {
            assert_eq!(of(none), None);
        }
    }
}
