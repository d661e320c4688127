{#- The deployed functions against values worked out apart from them (Python's hashlib, unicodedata and
    decimal at 50 digits). One file for every engine: a row of the result is a value that is off. #}

{#- The SHA-256 of each text in its normal form. #}
{%- set sha256 = {
    'test message': '3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728',
    'test message 123': '14277a56629a382a1a4ddff3d37d3228ead2fa8470a086aa5be861b35fd320cd',
    'zerowidth': '7bf3c6bb9998a666f0be68878045efa93bcba718c8d340de26da0c2736d7a47c',
    'caf\u00e9': '850f7dc43910ff890f8879c0ed26fe697c93a067ad93a7d50f466a7028a9bf4e',
    'halfprice': '49f6971dc788e4ae1f4d93021fb12794ab785c1d99af32f1b98cf2ffa3ac648d',
    'dont': 'f9e0a37fc2800a6256ceb7d76820ec0b9224755b4da3a0638d63843d2925fbdc',
    'snake_case': 'ffdf29cd20be98e417029577d00283f9f868dfaf83ee1fa01c9eda4d8764e2ec',
    '__': '9911f4d2b18457c4726664d309385072d295ca69062e99e66250033c13d09441',
    'istanbul': '751c59fe1fa734e61bec7c142171bfcbca97ff8223171b4bd63d8165a67a4d74',
    'straße': '787f4770613d3824cbc89b6d5da90a123e41b07b90b45ea3738c216b14616140',
    'strasse': '16d96952087774fee069b7585d3991b24d90c181c09b2129b4908c35baa7f0c0',
    'οδοσ': '15846f275ca06b00e00de9cf843b733c9b17c3fd392b29281296245762cff8c2',
    '你好世界': 'beca6335b20ff57ccc47403ef4d9e0b8fccb4442b3151c2e7d50050673d43172',
    'مَرْحَبًا': 'c23f7983b1f9f2592e5b6f98aece3a41111f6378da2b820071dabb128dc2bbfe',
    'مرحبا': '80eff1a750bb540045622ad23c148c8875790515e3f768c77d5dff8c1d221b49',
    'नमस्ते': 'ddb08d77c2d511947652161b35987022711aa216387b041dd459a03eb66a8304',
    'ⅷ ٣ ½': '109f7af638626c80a79897aa831db0d4e32ab4d92bb0d979b8ed5531ca741abc',
    '🔥🔥': 'c76bbcb8d41af0d5dc18443035244bdd61330c65a7e005e793eeab9fa9410a9b',
    '💋': '435578eca3539c494d00e8cc9bc54e65b8928af7f24d848600083bc5ca099879',
    '!?': '8faf838e27d8b53956614af56e7a87d24d0bc8b650eeea9864009dcad461c6d4',
    'foxes friends': '4684aa67ad4365a5554e67fb7c04d04594239841dfa971eaf0f9669df5739d41',
    'ltbgt': 'ab8650cf31e7fdd79c3fb835f58fff202d87ba57579769057aa09aea77a1af37',
    'café été': '33edf1a8664d7042007ce482197ab14d1429e68766fefee132e31a22c3f1076c',
    'xd8001114112': '584c1b9f38aca28523ab7d41ab9e74b8da8ff4dab14584d3235db0cdb303bbc7',
    'copy 65': 'da1ab5b9c9bcca8d48db78d6e1d7556ba45048a661a967d805e79b1eb3f13c15',
    'tip menu 5 me': '9d1aa3d720e38c8f4f75cac514b483ecb8820855171bec1efe578f94f222f1b7',
    'so wet': '51332df06847eec8a250776df040805bee45a33cee72fc39b0498574ce2c197a',
    'i 3 you': '76f4a1fe975c5f514e041b6c512188e72d31da9d4a3e41e081dd11373ff287f9',
    '\u2764': 'cc13ee6f077aa44e84a51e060f23b74c9f4405d2589b42d9045a4706b6d4431e',
    '\u2600': 'd0f6163cbf68c300eb17b4e538651099d95afaaab84fa7b283f56face0ca643c',
    '1': '6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b',
    'only 5.00': '7191bfdf92abff070f808aedcddb9a552cc906f1ac7c97d265ef828f4546beb0',
    'only 500': '05e467d5f91f73eaeebc1e8e6c55ada7d4cb3c5efd38e163033b4bddb771167b',
    '1500': '9f69998560dcfd8016442e0a32e959191df095817a164ce844c64ec5a8b0cc1b',
    '5 5 a1 1a 12': '8a648ac9059a00ae8efce37dd0e42d3198d16e369c80d796c483528ae0dc73c4',
    'v1.2.3.4': '807061f11538f3bb30f12d0c1153b4eedb74a6337f414ec175fd2855b84fcdf6',
    '5.00': '9ae1524b324f28bb0f8f05b60edbe1fddb0f26978b716c75b73f83506b32cd4b',
    '٣.٥': '4d65c64ee37c7ead10a74c7208eed113326da1b0cf4bfa802637d045f4195906',
    '! ?': 'ef015859e9f96fa3cac14f25df9a9efaa40f89e8918bcd09b9284e87210f2515',
    '\u24d0!': 'cde3e20e1d3eb20eeb8dd7bf93b5b25f0edaa2221f577cd7c7728ce6b2851fb7',
    '\U0001f469\u200d\U0001f4bb': '427274538f1f24ef137872891551ffb4263f6edd90c80c533534578e8a5a9893',
    '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
} %}

{#- (rule, text, its normal form) #}
{%- set texts = [
    ('plain', 'test message', 'test message'),
    ('case does not matter', 'Test message 123', 'test message 123'),
    ('punctuation goes', 'Test message 123!', 'test message 123'),
    ('emoji and outer blanks go', '  test MESSAGE 123 🔥', 'test message 123'),
    ('a no-break space is a blank', 'test\u00a0message', 'test message'),
    ('white space of any kind and length', 'test \t\r\n\u2003\u3000message\u0085', 'test message'),
    ('zero-width characters are neither letter nor blank', '\u200bzero\u200dwidth', 'zerowidth'),
    ('composed (NFC)', 'caf\u00e9', 'caf\u00e9'),
    ('decomposed (NFD)', 'CAFE\u0301', 'caf\u00e9'),
    ('punctuation joins', 'half-price', 'halfprice'),
    ('punctuation within a word goes', 'Don\u2019t', 'dont'),
    ('the underscore stays', 'snake_case', 'snake_case'),
    ('underscores alone', '__', '__'),
    ('Turkish dotted capital I', '\u0130stanbul', 'istanbul'),
    ('German sharp s', 'Straße', 'straße'),
    ('capital sharp s', 'STRA\u1e9eE', 'straße'),
    ('another word in capitals', 'STRASSE', 'strasse'),
    ('a sigma at the end of a word is like any other', 'ΟΔΟΣ', 'οδοσ'),
    ('CJK', '你好，世界！', '你好世界'),
    ('Arabic with marks', 'مَرْحَبًا', 'مَرْحَبًا'),
    ('without them it is another text', 'مرحبا', 'مرحبا'),
    ('Devanagari vowel signs', 'नमस्ते', 'नमस्ते'),
    ('numbers of any kind', 'Ⅷ ٣ ½', 'ⅷ ٣ ½'),
    ('nothing but emoji', '🔥🔥', '🔥🔥'),
    ('emoji, trimmed', ' 🔥🔥\u00a0', '🔥🔥'),
    ('another emoji is another text', '💋', '💋'),
    ('nothing but punctuation', '!?', '!?'),
    ('an entity', 'Foxes &amp; friends', 'foxes friends'),
    ('entities are undone once', '&amp;lt;b&amp;gt;', 'ltbgt'),
    ('entities by number', 'caf&#233; &#xE9;t&#XE9;', 'café été'),
    ('an apostrophe by number', 'Don&#39;t', 'dont'),
    ('a blank as an entity', 'test&nbsp;message', 'test message'),
    ('no code point', '&#xD800;&#1114112;', 'xd8001114112'),
    ('no entity', '&copy; &#65 &#;', 'copy 65'),
    ('a tag is a blank', 'test<br/>message', 'test message'),
    ('tags of any case, with attributes', '<B>test</B > <IMG src="a.png"/>message', 'test message'),
    ('tags written as entities', '&lt;b&gt;test&lt;/b&gt; message', 'test message'),
    ('no element', 'tip <menu: $5> me', 'tip menu 5 me'),
    ('no element: a word', 'so <wet>', 'so wet'),
    ('no element: a heart', 'I <3 you', 'i 3 you'),
    ('a variation selector is not seen', 'test \u2764\ufe0f message', 'test message'),
    ('without it', 'test \u2764 message', 'test message'),
    ('a heart alone', '\u2764\ufe0f', '\u2764'),
    ('a heart alone, without the selector', '\u2764', '\u2764'),
    ('a sun alone', '\u2600\ufe0f', '\u2600'),
    ('a keycap is its digit', '1\ufe0f\u20e3', '1'),
    ('what nobody sees goes before composing', 'cafe\u200b\u0301', 'caf\u00e9'),
    ('fillers are nothing', '\u3164', ''),
    ('a price with a point', 'Only $5.00!', 'only 5.00'),
    ('a price without one', 'Only $500!', 'only 500'),
    ('a comma in a number goes', '1,500', '1500'),
    ('points between digits only', '.5 5. a.1 1.a 1..2', '5 5 a1 1a 12'),
    ('each point between digits', 'v1.2.3.4', 'v1.2.3.4'),
    ('a point that what nobody sees parts from its digit', '5.\u200b00', '5.00'),
    ('a point by number', '5&#46;00', '5.00'),
    ('digits of other scripts', '٣.٥', '٣.٥'),
    ('nothing but signs, white space collapsed', '! \u00a0 ?', '! ?'),
    ('nothing but signs, case does not matter', '\u24b6!', '\u24d0!'),
    ('an emoji with a joiner is another emoji', '\U0001f469\u200d\U0001f4bb', '\U0001f469\u200d\U0001f4bb'),
    ('empty', '', ''),
    ('only white space', ' \u00a0 ', ''),
] %}

{#- (successes, failures, lower bound, upper bound, exploration bonus) #}
{%- set bounds = [
    (0, 0, '0e0', '1e0', '1e0'),
    (50, 50, '0.40382982859014716e0', '0.5961701714098528e0', '0.09950371902099892e0'),
    (10, 90, '0.055228541613136124e0', '0.1743673043676654e0', '0.09950371902099892e0'),
    (1, 1, '0.09452865480086613e0', '0.9054713451991339e0', '0.5773502691896257e0'),
    (0, 5, '0e0', '0.4344914947520811e0', '0.408248290463863e0'),
    (5, 0, '0.565508505247919e0', '1e0', '0.408248290463863e0'),
    (0, 1, '0e0', '0.7934567085261071e0', '0.7071067811865476e0'),
    ('cast(null as int64)', 1, 'cast(null as float64)', 'cast(null as float64)', 'cast(null as float64)'),
    (1, 1000000, '1.7651985957367632e-07', '5.665051857872697e-06', '0.0009999990000015e0'),
] %}

{#- (successes, failures, u, the point of the interval) #}
{%- set draws = [
    (1, 1, '0e0', '0.09452865480086613e0'),
    (1, 1, '0.5e0', '0.5e0'),
    (1, 1, '1e0', '0.9054713451991339e0'),
    (10, 90, '0.25e0', '0.08501323230176844e0'),
    (0, 0, '0.75e0', '0.75e0'),
    (1, 1, 'cast(null as float64)', 'cast(null as float64)'),
] %}

{#- (key, first 13 hexadecimal digits of its MD5 as a number, plus a half) #}
{%- set uniforms = [
    ('a', '224400693268251.5e0'),
    ('', '3731574115332107.5e0'),
    ('2025-06-15|nova|17', '136090897832896.5e0'),
    ('\u00e9', '1809645169343978.5e0'),
    ('你好', '2230524859962168.5e0'),
    ('🔥', '3587051104544941.5e0'),
] %}

with

text_vectors as (
    {% for function in ['caption_key_v2', 'caption_key'] %}
    {%- for rule, text, normal_form in texts %}
    select
        '{{ function }}: {{ rule }}' as vector,
        {{ function_name(function) }}({{ text_literal(text) }}) as actual,
        '{{ sha256[normal_form] }}' as expected
    union all
    {%- endfor %}
    select
        '{{ function }}: NULL' as vector,
        {{ function_name(function) }}(cast(null as string)) as actual,
        cast(null as string) as expected
    union all
    {%- endfor %}
    {#- Unclipped, rounding leaves the first a little below 0 and the second a little above 1. #}
    {%- for failures in [5, 15, 30] %}
    select
        'wilson_score_bounds(0, {{ failures }}): no minus sign before 0' as vector,
        substr(cast(({{ function_name('wilson_score_bounds') }}(0, {{ failures }})).lower_bound as string), 1, 1)
            as actual,
        '0' as expected
    union all
    {%- endfor %}
    select
        'wilson_score_bounds(18, 0): no more than 1' as vector,
        case when ({{ function_name('wilson_score_bounds') }}(18, 0)).upper_bound <= 1e0 then 'yes' end as actual,
        'yes' as expected

),

{# uniform_draw is exact, to the last bit; the others may differ by rounding. #}
number_vectors as (
    {% for successes, failures, lower, upper, bonus in bounds %}
    {%- for field, expected in [('lower_bound', lower), ('upper_bound', upper), ('exploration_bonus', bonus)] %}
    select
        'wilson_score_bounds({{ successes }}, {{ failures }}).{{ field }}' as vector,
        ({{ function_name('wilson_score_bounds') }}({{ successes }}, {{ failures }})).{{ field }} as actual,
        {{ expected }} as expected,
        1e-12 as tolerance
    union all
    {%- endfor %}
    {%- endfor %}
    {%- for successes, failures, u, expected in draws %}
    select
        'wilson_draw({{ successes }}, {{ failures }}, {{ u }})' as vector,
        {{ function_name('wilson_draw') }}({{ successes }}, {{ failures }}, {{ u }}) as actual,
        {{ expected }} as expected,
        1e-12 as tolerance
    union all
    {%- endfor %}
    {%- for key, numerator in uniforms %}
    select
        'uniform_draw({{ key }})' as vector,
        {{ function_name('uniform_draw') }}({{ text_literal(key) }}) as actual,
        {{ numerator }} / 4503599627370496e0 as expected,
        0e0 as tolerance
    union all
    {%- endfor %}
    select
        'uniform_draw(NULL)' as vector,
        {{ function_name('uniform_draw') }}(cast(null as string)) as actual,
        cast(null as float64) as expected,
        0e0 as tolerance

),

samples as (

    select {{ function_name('wilson_sample') }}(10, 90) as sample
    from {{ integer_series(1, 1000, 'attempt') }}

),

{# A random number has no expected value, but it stays in its interval, reaches into both halves of
    it, and is not the same twice. #}
sample_vectors as (

    select
        'wilson_sample(10, 90)' as vector,
        min(sample) >= 0.055228541613136124e0
        and max(sample) <= 0.1743673043676654e0
        and min(sample) < 0.11e0
        and max(sample) > 0.12e0
        and count(distinct sample) > 900 as is_right
    from samples

),

final as (

    select
        vector,
        actual,
        expected
    from text_vectors
    where actual is distinct from expected

    union all

    select
        vector,
        cast(actual as string) as actual,
        cast(expected as string) as expected
    from number_vectors
    where
        (actual is null) != (expected is null)
        or not abs(actual - expected) <= tolerance

    union all

    select
        vector,
        'outside, or not random' as actual,
        'random within the interval' as expected
    from sample_vectors
    where is_right is distinct from true

)

select * from final
