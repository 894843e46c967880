//! Imported probes ask what their source asks, or say what they do not.

use crate::import::given;

#[test]
fn what_a_step_of_a_suite_stores_is_sent_where_it_is_used() {
    let suite = r#"
suites:
- name: account
  endpoints:
  - name: log in
    url: https://x.test/login
    method: POST
    body: '{"user": "probe", "password": "pw-of-probe"}'
    conditions: ["[STATUS] == 200"]
    store: {token: "[BODY].token", sid: "[BODY].sid"}
  - name: read
    url: "https://x.test/me?token=[CONTEXT].token"
    headers: {Authorization: "Bearer [CONTEXT].token", Cookie: "theme=dark; sid=[CONTEXT].sid"}
    body: '{"password": "pw-of-probe", "token": "[CONTEXT].token"}'
    conditions: ["[STATUS] == 200"]
"#;
    let imported = given(suite).unwrap();
    let text = &imported.text;
    assert!(!text.contains("pw-of-probe") && imported.left_out == 0, "{text}");
    for written in [
        "\nurl = \"https://x.test/me?token={{token}}\"\n",
        "\nheaders.authorization = \"Bearer {{token}}\"\n",
        "sid={{sid}}\"\n",
        "\nbody = \"${secret:READ_BODY}{{token}}",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
}
