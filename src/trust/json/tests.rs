use proptest::prelude::*;

use super::*;

const STRICT: Limits = Limits { bytes: 1 << 16, values: 10_000, numbers: Numbers::IntegersOnly };
const LOOSE: Limits = Limits { numbers: Numbers::Any, ..STRICT };

fn code(text: &[u8]) -> &'static str {
    match parse(text, &STRICT) {
        Ok(value) => panic!("{} was read as {value:?}", String::from_utf8_lossy(text)),
        Err(error) => error.code(),
    }
}

fn written(text: &str) -> String {
    String::from_utf8(canonical(&parse(text.as_bytes(), &LOOSE).expect("a good document"))).expect("UTF-8")
}

#[test]
fn duplicate_names_are_refused_at_any_depth_and_after_unescaping() {
    for text in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"b":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#, r#"{"":1,"":2}"#] {
        assert_eq!(code(text.as_bytes()), "json.duplicate-name", "{text}");
    }
}

#[test]
fn bytes_around_the_value_are_refused() {
    for text in ["{} {}", "1,", "null\0", "[]]", "{}\u{feff}"] {
        assert_eq!(code(text.as_bytes()), "json.trailing-bytes", "{text}");
    }
    assert_eq!(code("\u{feff}{}".as_bytes()), "json.byte-order-mark");
}

#[test]
fn numbers_that_readers_disagree_about_are_refused() {
    for text in ["01", "-01", "-0", "1.0", "1e3", "0e0", "1E-2", "9007199254740992", "-9007199254740992", "1e999"] {
        assert_eq!(code(text.as_bytes()), "json.bad-number", "{text}");
    }
    assert_eq!(code(&[b'9'; 60_000]), "json.bad-number");
    for text in ["+1", ".5", "NaN", "Infinity", "1.x", "1ex", "--1", "0x10"] {
        assert!(parse(text.as_bytes(), &LOOSE).is_err(), "{text}");
    }
    assert_eq!(parse(b"9007199254740991", &STRICT), Ok(Value::Integer(MAX_INTEGER)));
    assert_eq!(parse(b"-9007199254740991", &STRICT), Ok(Value::Integer(-MAX_INTEGER)));
}

#[test]
fn other_numbers_of_other_tools_are_kept_as_text() {
    for text in ["1.50", "-0", "1e+30", "9007199254740993", "123456789012345678901234567890"] {
        assert_eq!(parse(text.as_bytes(), &LOOSE), Ok(Value::Number(text.to_owned())), "{text}");
    }
    assert_eq!(parse(b"12", &LOOSE), Ok(Value::Integer(12)));
    assert_eq!(parse(b"01", &LOOSE).unwrap_err().code(), "json.bad-number");
    assert_eq!(from_value::<f64>(Value::Number("1.50".into())), Ok(1.5));
    assert_eq!(from_value::<f64>(Value::Number("1e999".into())).unwrap_err().code(), "json.shape");
}

#[test]
fn strings_are_checked_to_the_last_code_unit() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\x41""#,
        r#""\u12g4""#,
        r#""\u+123""#,
        "\"\u{1}\"",
        "\"a\nb\"",
        "\"\u{fffe}\"",
        "\"\u{fdd0}\"",
        r#""\uffff""#,
        r#""\ud83f\udfff""#,
    ] {
        assert_eq!(code(text.as_bytes()), "json.bad-string", "{text}");
    }
    for bytes in [&b"\"\xff\""[..], b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\"\xf4\x90\x80\x80\""] {
        assert_eq!(code(bytes), "json.not-utf8");
    }
    assert_eq!(parse(br#""\ud83d\ude00\/\u00e9""#, &STRICT), Ok(Value::String("😀/é".into())));
}

#[test]
fn what_ends_in_the_middle_is_truncated() {
    let whole = br#"{"a":[true,false,null,-12,"x\n\u0001\ud83d\ude00"],"b":{}}"#;
    assert!(parse(whole, &STRICT).is_ok());
    for end in 0..whole.len() {
        assert!(matches!(code(&whole[..end]), "json.truncated" | "json.bad-string"), "{end}");
    }
}

#[test]
fn syntax_errors_are_refused() {
    for text in [
        "[1,]",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        "{a:1}",
        "{1:1}",
        "[1 2]",
        "nul1",
        "True",
        "'a'",
        "[,1]",
        "/**/1",
        "\u{b}1",
    ] {
        assert_eq!(code(text.as_bytes()), "json.syntax", "{text}");
    }
}

#[test]
fn depth_size_and_count_are_bounded() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(parse(&nested(MAX_DEPTH), &STRICT).is_ok());
    assert_eq!(code(&nested(MAX_DEPTH + 1)), "json.too-deep");
    assert_eq!(code(&[b'['; 60_000]), "json.too-deep");
    assert_eq!(code(&br#"{"a":"#.repeat(10_000)), "json.too-deep");
    assert_eq!(code(&vec![b' '; STRICT.bytes + 1]), "json.too-long");
    assert_eq!(code(format!("[{}0]", "0,".repeat(10_000)).as_bytes()), "json.too-many-values");
}

/// The example of RFC 8785 §3.2.3, and that of §3.2.2.2 for strings.
#[test]
fn canonical_form_is_that_of_rfc_8785() {
    let names = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
        "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let want = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With \
        Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(written(names), want);
    let string = r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#;
    assert_eq!(written(string), r#""€$\u000f\nA'B\"\\\\\"/""#);
    assert_eq!(written("[ 1 , {\"b\" : null, \"a\":\ttrue} ]\n"), r#"[1,{"a":true,"b":null}]"#);
    assert_eq!(written(r#""\u007f\u2028\b\f\t""#), "\"\u{7f}\u{2028}\\b\\f\\t\"");
}

/// The corners of RFC 8259 that are valid, each with the value that it is (`null` and the like stand for themselves) or, where
/// I-JSON (RFC 7493) asks for less, with the code that says so.
#[test]
fn the_valid_corners_of_rfc_8259_are_read_as_what_they_are() {
    let text = |text: &str| Value::String(text.to_owned());
    let array = |values: Vec<Value>| Value::Array(values);
    let object = |members: Vec<(&str, Value)>| {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let number = |text: &str| Value::Number(text.to_owned());
    let int = Value::Integer;
    // §13: an image, and two places.
    let image = r#"{
        "Image": {
            "Width":  800,
            "Height": 600,
            "Title":  "View from 15th Floor",
            "Thumbnail": {
                "Url":    "http://www.example.com/image/481989943",
                "Height": 125,
                "Width":  100
            },
            "Animated" : false,
            "IDs": [116, 943, 234, 38793]
          }
      }"#;
    let thumbnail = object(vec![
        ("Url", text("http://www.example.com/image/481989943")),
        ("Height", int(125)),
        ("Width", int(100)),
    ]);
    let of_image = object(vec![
        ("Width", int(800)),
        ("Height", int(600)),
        ("Title", text("View from 15th Floor")),
        ("Thumbnail", thumbnail),
        ("Animated", Value::Bool(false)),
        ("IDs", array([116, 943, 234, 38793].map(int).to_vec())),
    ]);
    let places = r#"[
        {
           "precision": "zip",
           "Latitude":  37.7668,
           "Longitude": -122.3959,
           "Address":   "",
           "City":      "SAN FRANCISCO",
           "State":     "CA",
           "Zip":       "94107",
           "Country":   "US"
        },
        {
           "precision": "zip",
           "Latitude":  37.371991,
           "Longitude": -122.026020,
           "Address":   "",
           "City":      "SUNNYVALE",
           "State":     "CA",
           "Zip":       "94085",
           "Country":   "US"
        }
      ]"#;
    let place = |latitude: &str, longitude: &str, city: &str, zip: &str| {
        object(vec![
            ("precision", text("zip")),
            ("Latitude", number(latitude)),
            ("Longitude", number(longitude)),
            ("Address", text("")),
            ("City", text(city)),
            ("State", text("CA")),
            ("Zip", text(zip)),
            ("Country", text("US")),
        ])
    };
    let of_places = array(vec![
        place("37.7668", "-122.3959", "SAN FRANCISCO", "94107"),
        place("37.371991", "-122.026020", "SUNNYVALE", "94085"),
    ]);
    let good: Vec<(&str, Value)> = vec![
        (image, object(vec![("Image", of_image)])),
        (places, of_places),
        // §13, the last three, and §3: any value may stand alone.
        (r#""Hello world!""#, text("Hello world!")),
        ("42", int(42)),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("null", Value::Null),
        ("0", int(0)),
        ("-1", int(-1)),
        (r#""""#, text("")),
        ("[]", array(vec![])),
        ("{}", object(vec![])),
        // §2: the four kinds of white space around every token.
        ("\t\n\r [\t\n\r ] \r\n\t", array(vec![])),
        ("{ \"a\"\t:\n1\r,\"b\" : [ ] }", object(vec![("a", int(1)), ("b", array(vec![]))])),
        // §4: a name may be empty, and of any letters; the order does not count.
        (r#"{"":0}"#, object(vec![("", int(0))])),
        (r#"{"":{"":{}}}"#, object(vec![("", object(vec![("", object(vec![]))]))])),
        (r#"{"b":1,"a":2}"#, object(vec![("a", int(2)), ("b", int(1))])),
        (r#"{"a":1,"A":2,"\u00e4":3}"#, object(vec![("A", int(2)), ("a", int(1)), ("ä", int(3))])),
        (r#"{"\u0000":1,"\"":2}"#, object(vec![("\0", int(1)), ("\"", int(2))])),
        // §5: values of several kinds, one of them an array in an array.
        (
            r#"[null,true,-0,"a",[[]],{"a":[]}]"#,
            array(vec![
                Value::Null,
                Value::Bool(true),
                number("-0"),
                text("a"),
                array(vec![array(vec![])]),
                object(vec![("a", array(vec![]))]),
            ]),
        ),
        // §6: every part of a number.
        ("-0", number("-0")),
        ("0.0", number("0.0")),
        ("-0.10", number("-0.10")),
        ("1e2", number("1e2")),
        ("1E+2", number("1E+2")),
        ("1.5e-0007", number("1.5e-0007")),
        ("0e0", number("0e0")),
        ("1e400", number("1e400")),
        ("3.141592653589793238462643383279", number("3.141592653589793238462643383279")),
        ("9007199254740991", int(MAX_INTEGER)),
        ("9007199254740992", number("9007199254740992")),
        // §7: all short escapes, the long ones in both cases, a pair of surrogates, and what need not be escaped.
        (r#""\"\\\/\b\f\n\r\t""#, text("\"\\/\u{8}\u{c}\n\r\t")),
        (r#""\u0000""#, text("\0")),
        (r#""\u001F\u001f""#, text("\u{1f}\u{1f}")),
        (r#""\u005C\u002f""#, text("\\/")),
        (r#""\uD834\uDD1E""#, text("\u{1d11e}")),
        (r#""\uDBFF\uDFFD""#, text("\u{10fffd}")),
        ("\"\u{7f}\u{80}\u{2028}\u{2029}\"", text("\u{7f}\u{80}\u{2028}\u{2029}")),
        ("\"\u{1d11e}é€\"", text("\u{1d11e}é€")),
        (r#""a\u0301 is not \u00e1""#, text("a\u{301} is not \u{e1}")),
    ];
    for (document, want) in &good {
        assert_eq!(parse(document.as_bytes(), &LOOSE).as_ref(), Ok(want), "{document}");
        // And nothing of it is lost when it is written and read again.
        assert_eq!(parse(&canonical(want), &LOOSE).as_ref(), Ok(want), "{document}");
    }
    assert!(good.len() >= 40, "{}", good.len());
    // Valid by RFC 8259, and what readers disagree about: I-JSON leaves it out.
    for (document, want) in [
        (r#"{"a":1,"a":1}"#, "json.duplicate-name"),
        (r#""\uD834""#, "json.bad-string"),
        (r#"{"\uDD1E":1}"#, "json.bad-string"),
        (r#"{"\ud800":1,"\udbff":2}"#, "json.bad-string"),
        (r#""\uFFFE""#, "json.bad-string"),
    ] {
        assert_eq!(parse(document.as_bytes(), &LOOSE).unwrap_err().code(), want, "{document}");
    }
}

#[test]
fn only_the_canonical_form_is_canonical() {
    for text in [r#"{"b":1,"a":1}"#, "[1 ]", "[1]\n", " 1", r#""\u0041""#, r#""\/""#, r#""\u000A""#] {
        assert_eq!(parse_canonical(text.as_bytes(), &LOOSE).unwrap_err().code(), "json.not-canonical", "{text}");
    }
    assert_eq!(parse_canonical(b"1.5", &LOOSE).unwrap_err().code(), "json.bad-number");
    assert!(parse_canonical(br#"{"a":1,"b":[]}"#, &STRICT).is_ok());
}

#[test]
fn the_bridge_refuses_what_the_reader_would_refuse() {
    assert_eq!(to_value(&1.5).unwrap_err().code(), "json.shape");
    assert_eq!(to_value(&u64::MAX).unwrap_err().code(), "json.shape");
    assert_eq!(to_value(&(MAX_INTEGER + 1)).unwrap_err().code(), "json.shape");
    assert_eq!(to_value(&"\u{ffff}").unwrap_err().code(), "json.shape");
    assert_eq!(to_value(&(1, "a", None::<u8>)).map(|v| canonical(&v)), Ok(br#"[1,"a",null]"#.to_vec()));
    assert_eq!(from_value::<u8>(Value::Integer(256)).unwrap_err().code(), "json.shape");
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = || {
        proptest::collection::vec(any::<char>().prop_filter("I-JSON", |c| !is_noncharacter(*c)), 0..8)
            .prop_map(String::from_iter)
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-MAX_INTEGER..=MAX_INTEGER).prop_map(Value::Integer),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(text(), inner, 0..6).prop_map(Value::Object),
        ]
    })
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_value(value in any_value()) {
        let bytes = canonical(&value);
        prop_assert_eq!(parse_canonical(&bytes, &STRICT), Ok(value.clone()));
        prop_assert_eq!(to_value(&loose(&value)), Ok(value));
    }

    #[test]
    fn an_independent_reader_agrees(value in any_value()) {
        let theirs: serde_json::Value = serde_json::from_slice(&canonical(&value)).expect("valid JSON");
        prop_assert_eq!(theirs, loose(&value));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_pass_twice(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse_canonical(&bytes, &STRICT) {
            prop_assert_eq!(canonical(&value), bytes);
        }
    }

    #[test]
    fn json_shaped_bytes_never_panic_and_never_pass_twice(text in r#"[\[\]{}:,"\\ a0-9eutrfnl.\-]{0,40}"#) {
        if let Ok(value) = parse(text.as_bytes(), &LOOSE) {
            prop_assert_eq!(parse(&canonical(&value), &LOOSE), Ok(value));
        }
    }
}

fn loose(value: &Value) -> serde_json::Value {
    from_value(value.clone()).expect("a value of ours")
}
