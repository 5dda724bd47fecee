//! 职能部门: who does the work. Thirty-two slots, nineteen of them named by the county's own document.

/// Id, Chinese, English.
pub const SEED: [(&str, &str, &str); 19] = [
    ("civil_affairs", "民政", "Civil affairs"),
    ("labour", "人社", "Labour and social security"),
    ("education", "教育", "Education"),
    ("health", "卫生", "Health"),
    ("transport", "交通", "Transport"),
    ("family_planning", "计生", "Family planning"),
    ("environment", "环保", "Environment"),
    ("housing", "住建", "Housing and construction"),
    ("commerce", "工商", "Market regulation"),
    ("city_management", "城管", "City management"),
    ("land", "国土", "Land and resources"),
    ("disability", "残联", "Disabled persons' federation"),
    ("power", "电力", "Power supply"),
    ("telecom", "电信", "Telecommunications"),
    ("science", "科技", "Science and technology"),
    ("work_safety", "安监", "Work safety"),
    ("justice", "司法", "Justice"),
    ("police", "公安", "Police"),
    ("petition", "信访", "Petitions"),
];

/// Units that a county has at first; those without a name are switched off.
pub const SLOTS: usize = 32;

/// The id of a named unit by its Chinese name.
pub fn by_name(zh: &str) -> Option<&'static str> {
    SEED.iter().find(|row| row.1 == zh).map(|row| row.0)
}
