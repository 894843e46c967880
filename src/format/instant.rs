//! Instants and ranges of time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::Bracket;

/// `2025-03-10 15:04:00`, in UTC.
pub(crate) fn date_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2025-03-10`, in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// The zone for times of the day: UTC on request, else that of this machine.
pub(crate) fn zone(utc: bool) -> TimeZone {
    if utc { TimeZone::UTC } else { TimeZone::system() }
}

/// The name in `TZ` if it names no zone: then times are in UTC.
pub(crate) fn unknown_zone(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty() && TimeZone::system().is_unknown())
}

/// The zone of this machine, as `TZ` or the system names it, for texts that name their zone; UTC if it has no name.
pub(crate) fn named_zone() -> TimeZone {
    let zone = TimeZone::system();
    if zone.iana_name().is_some() && !zone.is_unknown() { zone } else { TimeZone::UTC }
}

/// How the instants of one answer are written: with their date if the answer covers several days or the instant is on
/// another day, with tenths of a second if it covers less than ten minutes.
#[derive(Clone, Debug)]
pub(crate) struct InstantFormat {
    zone: TimeZone,
    /// The day whose instants are written without a date.
    day: Option<Date>,
    tenths: bool,
}

impl InstantFormat {
    /// The form for an answer over a range, `to` excluded.
    pub(crate) fn of_range(from: Timestamp, to: Timestamp, zone: TimeZone) -> InstantFormat {
        let last = if to > from { to - jiff::SignedDuration::from_nanos(1) } else { to };
        let date = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
        let day = (date(from) == date(last)).then(|| date(last));
        let tenths = to.as_second() - from.as_second() < 600;
        InstantFormat { zone, day, tenths }
    }

    /// `15:04:00`, `15:04:00.5`, `2025-03-10 15:04:00`
    pub(crate) fn at(&self, instant: Timestamp) -> String {
        let zoned = instant.to_zoned_datetime(self.zone.clone());
        let date = if self.day == Some(zoned.date()) { "" } else { "%Y-%m-%d " };
        let mut text = zoned.strftime(&format!("{date}%H:%M:%S")).to_string();
        if self.tenths {
            text.push_str(&format!(".{}", zoned.subsec_nanosecond() / 100_000_000));
        }
        text
    }

    /// `15:04` if the seconds are zero.
    pub(crate) fn short(&self, instant: Timestamp) -> String {
        let text = self.at(instant);
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        whole.strip_suffix(":00").unwrap_or(whole).to_owned()
    }

    /// The form for an instant beside one of this day, which is named elsewhere.
    pub(crate) fn after(&self, instant: Timestamp) -> InstantFormat {
        InstantFormat { day: Some(instant.to_zoned_datetime(self.zone.clone()).date()), ..self.clone() }
    }

    /// ` CEST` for an instant after which the clocks change until another; empty if they do not.
    fn zone_before_change(&self, from: Timestamp, to: Timestamp) -> String {
        let zone = self.zone(from);
        if zone == self.zone(to) { String::new() } else { format!(" {zone}") }
    }

    /// An instant known only to lie between two checks: `15:03:30–15:04:00`, `2025-03-09 15:03:30–15:04:00`.
    pub(crate) fn bracket(&self, bracket: &Bracket) -> String {
        let Some(after) = bracket.after else { return format!("{} or earlier", self.at(bracket.by)) };
        let zone_before = self.zone_before_change(after, bracket.by);
        let zone = if zone_before.is_empty() { String::new() } else { format!(" {}", self.zone(bracket.by)) };
        if self.at(after) == self.at(bracket.by) && zone.is_empty() {
            return self.at(bracket.by);
        }
        format!("{}{zone_before}–{}{zone}", self.at(after), self.after(after).at(bracket.by))
    }

    /// The same with the zone: `15:03:30–15:04:00 UTC`, `15:04:00 UTC or earlier`.
    pub(crate) fn bracket_in_zone(&self, bracket: &Bracket) -> String {
        let zone = self.zone(bracket.by);
        match bracket.after {
            Some(after) if self.zone_before_change(after, bracket.by).is_empty() => {
                format!("{} {zone}", self.bracket(bracket))
            }
            Some(_) => self.bracket(bracket),
            None => format!("{} {zone} or earlier", self.at(bracket.by)),
        }
    }

    /// From one change of state to the next: `15:03:30–15:04:00 to 17:59:30–18:00:00`, `15:03:30–15:04:00, ongoing`; with
    /// zones if the clocks change in between.
    pub(crate) fn stretch(&self, start: &Bracket, end: Option<&Bracket>) -> String {
        let Some(end) = end else { return format!("{}, ongoing", self.bracket(start)) };
        let of_end = self.after(start.by);
        if self.zone_before_change(start.by, end.by).is_empty() {
            return format!("{} to {}", self.bracket(start), of_end.bracket(end));
        }
        format!("{} to {}", self.bracket_in_zone(start), of_end.bracket_in_zone(end))
    }

    /// The same of what is over, with the zone: `15:03:30–15:04:00 UTC to 17:59:30–18:00:00`.
    pub(crate) fn stretch_in_zone(&self, start: &Bracket, end: &Bracket) -> String {
        if !self.zone_before_change(start.by, end.by).is_empty() {
            return self.stretch(start, Some(end));
        }
        format!("{} to {}", self.bracket_in_zone(start), self.after(start.by).bracket(end))
    }

    /// The zone at an instant: `UTC`, `CET`.
    pub(crate) fn zone(&self, instant: Timestamp) -> String {
        instant.to_zoned_datetime(self.zone.clone()).strftime("%Z").to_string()
    }

    /// From one instant to another: `15:04–17:59 UTC`, `2025-03-09 15:04–17:59 UTC`, `2025-03-09 23:50–2025-03-10 00:20
    /// UTC`, `02:50 CEST–02:10 CET`.
    pub(crate) fn span(&self, from: Timestamp, to: Timestamp) -> String {
        let zone_before = self.zone_before_change(from, to);
        format!("{}{zone_before}–{} {}", self.short(from), self.after(from).short(to), self.zone(to))
    }

    /// `2025-03-10 09:00:00 to 18:00:00 UTC`, `2025-10-26 02:50:00 CEST to 02:10:00 CET`
    pub(crate) fn range(&self, from: Timestamp, to: Timestamp) -> String {
        let of = |at: Timestamp| at.to_zoned_datetime(self.zone.clone());
        let end = if of(from).date() == of(to).date() { "%H:%M:%S %Z" } else { "%Y-%m-%d %H:%M:%S %Z" };
        let begin = if self.zone(from) == self.zone(to) { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S %Z" };
        format!("{} to {}", of(from).strftime(begin), of(to).strftime(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn utc(from: Timestamp, to: Timestamp) -> InstantFormat {
        InstantFormat::of_range(from, to, TimeZone::UTC)
    }

    #[test]
    fn an_instant_has_its_date_only_where_it_is_of_another_day() {
        let day = utc(at("2025-03-10T09:00:00Z"), at("2025-03-11T00:00:00Z"));
        assert_eq!(day.at(at("2025-03-10T15:04:00.120Z")), "15:04:00");
        assert_eq!(day.at(at("2025-03-09T15:04:00Z")), "2025-03-09 15:04:00");
        let days = utc(at("2025-03-09T09:00:00Z"), at("2025-03-10T18:00:00Z"));
        assert_eq!(days.at(at("2025-03-10T15:04:00Z")), "2025-03-10 15:04:00");
        let minute = utc(at("2025-03-10T15:00:00Z"), at("2025-03-10T15:01:00Z"));
        assert_eq!(minute.at(at("2025-03-10T15:00:04.560Z")), "15:00:04.5");
        assert_eq!(minute.short(at("2025-03-10T15:00:00Z")), "15:00");
    }

    #[test]
    fn a_bracket_is_written_with_a_dash_and_a_span_with_a_word() {
        let (from, to) = (at("2025-03-10T09:00:00Z"), at("2025-03-10T18:00:00Z"));
        let form = utc(from, to);
        let (after, by) = (at("2025-03-10T15:03:30.5Z"), at("2025-03-10T15:04:00Z"));
        let onset = Bracket { after: Some(after), by };
        assert_eq!(form.bracket(&onset), "15:03:30–15:04:00");
        assert_eq!(form.bracket(&Bracket { after: Some(by), by }), "15:04:00");
        assert_eq!(form.bracket(&Bracket { after: None, by }), "15:04:00 or earlier");
        assert_eq!(form.stretch(&onset, None), "15:03:30–15:04:00, ongoing");
        assert_eq!(form.range(from, to), "2025-03-10 09:00:00 to 18:00:00 UTC");
        assert_eq!(form.range(at("2025-03-09T09:00:00Z"), to), "2025-03-09 09:00:00 to 2025-03-10 18:00:00 UTC");
    }

    #[test]
    fn a_span_names_its_day_once_and_both_zones_where_the_clocks_change() {
        let days = utc(at("2025-03-09T09:00:00Z"), at("2025-03-10T18:00:00Z"));
        let (from, to) = (at("2025-03-09T15:04:00Z"), at("2025-03-09T17:59:30Z"));
        assert_eq!(days.span(from, to), "2025-03-09 15:04–17:59:30 UTC");
        assert_eq!(days.span(from, at("2025-03-10T00:20:00Z")), "2025-03-09 15:04–2025-03-10 00:20 UTC");
        let day = utc(at("2025-03-10T00:00:00Z"), at("2025-03-10T18:00:00Z"));
        assert_eq!(day.span(from, at("2025-03-10T00:20:00Z")), "2025-03-09 15:04–2025-03-10 00:20 UTC");
        assert_eq!(day.span(at("2025-03-10T00:10:00Z"), at("2025-03-10T00:20:00Z")), "00:10–00:20 UTC");
        let zone = TimeZone::get("Europe/Berlin").expect("a zone of the tz database");
        let autumn = InstantFormat::of_range(at("2025-10-26T00:00:00Z"), at("2025-10-26T12:00:00Z"), zone);
        let (from, to) = (at("2025-10-26T00:50:00Z"), at("2025-10-26T01:10:00Z"));
        assert_eq!(autumn.span(from, to), "02:50 CEST–02:10 CET");
        assert_eq!(autumn.range(from, to), "2025-10-26 02:50:00 CEST to 02:10:00 CET");
    }

    #[test]
    fn brackets_name_their_day_once_and_both_zones_where_the_clocks_change() {
        let days = utc(at("2025-03-09T09:00:00Z"), at("2025-03-10T18:00:00Z"));
        let bracket = |after: &str, by: &str| Bracket { after: Some(at(after)), by: at(by) };
        let onset = bracket("2025-03-09T15:03:30Z", "2025-03-09T15:04:00Z");
        let midnight = bracket("2025-03-09T23:59:30Z", "2025-03-10T00:00:00Z");
        assert_eq!(days.bracket(&onset), "2025-03-09 15:03:30–15:04:00");
        assert_eq!(days.bracket_in_zone(&onset), "2025-03-09 15:03:30–15:04:00 UTC");
        assert_eq!(days.bracket(&midnight), "2025-03-09 23:59:30–2025-03-10 00:00:00");
        let stretch = days.stretch(&onset, Some(&midnight));
        assert_eq!(stretch, "2025-03-09 15:03:30–15:04:00 to 23:59:30–2025-03-10 00:00:00");
        let short = bracket("2025-03-09T15:09:30Z", "2025-03-09T15:10:00Z");
        let stretch = days.stretch_in_zone(&onset, &short);
        assert_eq!(stretch, "2025-03-09 15:03:30–15:04:00 UTC to 15:09:30–15:10:00");
        let later = bracket("2025-03-10T00:10:00Z", "2025-03-10T00:10:30Z");
        let stretch = days.stretch(&midnight, Some(&later));
        assert_eq!(stretch, "2025-03-09 23:59:30–2025-03-10 00:00:00 to 00:10:00–00:10:30");
        let zone = TimeZone::get("Europe/Berlin").expect("a zone of the tz database");
        let autumn = InstantFormat::of_range(at("2025-10-26T00:00:00Z"), at("2025-10-26T12:00:00Z"), zone);
        let before = bracket("2025-10-26T00:49:30Z", "2025-10-26T00:50:00Z");
        let after = bracket("2025-10-26T01:09:30Z", "2025-10-26T01:10:00Z");
        let change = bracket("2025-10-26T00:59:30Z", "2025-10-26T01:00:00Z");
        assert_eq!(autumn.stretch(&before, Some(&after)), "02:49:30–02:50:00 CEST to 02:09:30–02:10:00 CET");
        assert_eq!(autumn.stretch_in_zone(&before, &after), autumn.stretch(&before, Some(&after)));
        assert_eq!(autumn.bracket_in_zone(&change), "02:59:30 CEST–02:00:00 CET");
        assert_eq!(autumn.stretch(&change, Some(&after)), "02:59:30 CEST–02:00:00 CET to 02:09:30–02:10:00");
        assert_eq!(autumn.stretch(&change, None), "02:59:30 CEST–02:00:00 CET, ongoing");
        let hour = bracket("2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z");
        assert_eq!(autumn.bracket(&hour), "02:30:00 CEST–02:30:00 CET");
    }

    #[test]
    fn a_zone_moves_the_clock_and_the_day() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone of the tz database");
        let form = InstantFormat::of_range(at("2025-03-10T22:00:00Z"), at("2025-03-10T23:30:00Z"), zone);
        assert_eq!(form.at(at("2025-03-10T23:04:00Z")), "2025-03-11 00:04:00");
        assert_eq!(form.zone(at("2025-03-10T23:04:00Z")), "CET");
    }
}
