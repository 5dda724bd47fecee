//! A form by which a matter is reported, or added to. Pure.

use crate::category::{Categories, Category};
use crate::contact::Reporter;
use crate::web::guard::Fields;

use super::node::Wrong;
use super::service;

/// As the standard has it.
pub(super) const MOST_TEXT: usize = 4_000;
/// As reports by hand have it.
const MOST_PLACE: usize = 200;
const MOST_TITLE: usize = 80;
const MOST_URL: usize = 2_000;
/// Characters of the reporter's words in the title.
const IN_TITLE: usize = 30;

/// What is reported.
#[derive(Clone, Debug)]
pub(super) struct NewRequest<'c> {
    pub(super) service: &'c Category,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) place: String,
    /// WGS84, latitude and longitude.
    pub(super) at: Option<(f64, f64)>,
    pub(super) media_url: Option<String>,
    pub(super) reporter: Reporter,
}

impl<'c> NewRequest<'c> {
    pub(super) fn read(fields: &Fields, categories: &'c Categories) -> Result<Self, Wrong> {
        let code = fields.get("service_code").trim();
        if code.is_empty() {
            return Err(Wrong::input("service_code was not provided"));
        }
        let service =
            service::find(categories, code).ok_or_else(|| Wrong::missing("service_code was not found"))?;
        let at = coordinates(fields)?;
        let told = text(fields, "address_string", MOST_PLACE)?;
        let by_id = text(fields, "address_id", MOST_PLACE)?;
        let place = match (told, by_id, at) {
            (Some(told), ..) | (None, Some(told), _) => told,
            (None, None, Some((latitude, longitude))) => format!("{latitude:.6}, {longitude:.6}"),
            (None, None, None) => {
                return Err(Wrong::input("location was not provided: send lat and long, or address_string"));
            }
        };
        let description = text(fields, "description", MOST_TEXT)?;
        let title = title(service, description.as_deref());
        let reporter = Reporter {
            name: format!("{} {}", fields.get("last_name").trim(), fields.get("first_name").trim())
                .trim()
                .to_owned(),
            phone: fields.get("phone").trim().to_owned(),
        };
        if let Some(why) = reporter.wrong() {
            return Err(Wrong::input(why));
        }
        Ok(Self {
            service,
            text: description.unwrap_or_else(|| title.clone()),
            title,
            place,
            at,
            media_url: media_url(fields)?,
            reporter,
        })
    }
}

fn title(service: &Category, description: Option<&str>) -> String {
    let line = description.and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    let Some(line) = line else { return service.zh.clone() };
    let short: String = line.chars().take(IN_TITLE).collect();
    let more = if line.chars().count() > IN_TITLE { "…" } else { "" };
    format!("{}：{short}{more}", service.zh).chars().take(MOST_TITLE).collect()
}

fn coordinates(fields: &Fields) -> Result<Option<(f64, f64)>, Wrong> {
    let (lat, long) = (fields.get("lat").trim(), fields.get("long").trim());
    if lat.is_empty() && long.is_empty() {
        return Ok(None);
    }
    let (Ok(latitude), Ok(longitude)) = (lat.parse::<f64>(), long.parse::<f64>()) else {
        return Err(Wrong::input("lat and long: send both, as degrees in WGS84"));
    };
    if !((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)) {
        return Err(Wrong::input(format!("lat {latitude}, long {longitude} is no place on earth")));
    }
    Ok(Some((latitude, longitude)))
}

/// A text that is there and can be kept.
pub(super) fn text(fields: &Fields, name: &str, most: usize) -> Result<Option<String>, Wrong> {
    let text = fields.get(name).trim().replace("\r\n", "\n");
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Wrong::input(format!("{name}: it holds control characters; leave them out")));
    }
    let count = text.chars().count();
    if count > most {
        return Err(Wrong::input(format!("{name}: {count} characters; write at most {most}")));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Kept as it stands, never fetched.
pub(super) fn media_url(fields: &Fields) -> Result<Option<String>, Wrong> {
    let Some(url) = text(fields, "media_url", MOST_URL)? else { return Ok(None) };
    let lower = url.to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    if !is_web || url.contains(char::is_whitespace) {
        return Err(Wrong::input("media_url: write an address that begins with https://"));
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    static CATEGORIES: std::sync::LazyLock<Categories> = std::sync::LazyLock::new(Categories::built_in);

    fn read(form: &str) -> Result<NewRequest<'static>, Wrong> {
        NewRequest::read(&Fields::parse(form.as_bytes()), &CATEGORIES)
    }

    /// A whole form is read; the place is what was said, else where it is.
    #[test]
    fn forms_are_read() {
        let whole = read(
            "service_code=noise&lat=34.52&long=107.4&address_string=%E4%B8%9C%E5%85%B3&description=%0A%E5%A4%9C%E9%97%B4%E6%96%BD%E5%B7%A5%0Ax\
             &first_name=%E5%BB%BA%E5%9B%BD&last_name=%E6%9D%8E&phone=138+1234+6027&media_url=https%3A%2F%2Fexample.org%2Fa.jpg",
        )
        .unwrap();
        assert_eq!((whole.service.id.as_str(), whole.title.as_str()), ("noise", "噪声扰民：夜间施工"));
        assert_eq!((whole.text.as_str(), whole.place.as_str()), ("夜间施工\nx", "东关"));
        assert_eq!((whole.at, whole.reporter.name.as_str()), (Some((34.52, 107.4)), "李 建国"));
        assert_eq!(whole.media_url.as_deref(), Some("https://example.org/a.jpg"));
        let bare = read("service_code=noise&lat=34.52&long=107.4").unwrap();
        assert_eq!((bare.place.as_str(), bare.text.as_str()), ("34.520000, 107.400000", "噪声扰民"));
        let long =
            read(&format!("service_code=noise&address_string=x&description={}", "a".repeat(4_000))).unwrap();
        assert!(long.title.chars().count() <= MOST_TITLE && long.title.ends_with('…'), "{}", long.title);
    }

    /// What cannot be taken says which field and how to mend it, with the standard's status.
    #[test]
    fn wrong_forms_are_refused() {
        for (form, status, says) in [
            ("", 400, "service_code was not provided"),
            ("service_code=odd&address_string=x", 404, "service_code was not found"),
            ("service_code=camera_lost&address_string=x", 404, "service_code was not found"),
            ("service_code=noise", 400, "location was not provided"),
            ("service_code=noise&lat=34", 400, "lat and long"),
            ("service_code=noise&lat=x&long=1", 400, "lat and long"),
            ("service_code=noise&lat=NaN&long=1", 400, "no place on earth"),
            ("service_code=noise&lat=91&long=1", 400, "no place on earth"),
            ("service_code=noise&address_string=a%00b", 400, "address_string"),
            ("service_code=noise&address_string=x&description=a%1Bb", 400, "description"),
            ("service_code=noise&address_string=x&media_url=javascript:alert(1)", 400, "media_url"),
            ("service_code=noise&address_string=x&phone=call+me", 400, "phone"),
        ] {
            let wrong = read(form).expect_err(form);
            assert_eq!(wrong.status.as_u16(), status, "{form}");
            assert!(wrong.description.contains(says), "{form}: {}", wrong.description);
        }
        let long = format!("service_code=noise&address_string=x&description={}", "a".repeat(4_001));
        assert!(read(&long).unwrap_err().description.contains("at most 4000"));
    }
}
