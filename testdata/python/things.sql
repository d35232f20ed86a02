CREATE TYPE public.mood AS ENUM (
    'GOOD',
    'BAD'
);
CREATE TYPE public.priority AS ENUM (
    'low',
    'high'
);
CREATE TABLE public.things (
    id integer NOT NULL,
    title text,
    short character varying(10),
    flag boolean,
    small smallint,
    big bigint,
    price numeric(12,4),
    ratio double precision,
    at timestamp with time zone,
    local_at timestamp without time zone,
    day date,
    clock time without time zone,
    span interval,
    uid uuid,
    doc jsonb,
    raw json,
    numbers integer[],
    grid integer[],
    prices numeric[],
    tags text[],
    moments timestamp with time zone[],
    blob bytea,
    addr inet,
    span4 int4range,
    days daterange,
    hours tstzrange,
    priority public.priority,
    mood public.mood,
    mood_text character varying(4),
    due date,
    version integer
);
CREATE SEQUENCE public.things_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.things_id_seq OWNED BY public.things.id;
ALTER TABLE ONLY public.things ALTER COLUMN id SET DEFAULT nextval('public.things_id_seq'::regclass);
INSERT INTO public.things VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.things VALUES (2, 'plain', 'ab', true, -2, 4611686018427387904, 10.5000, 0.1, '2020-06-01 07:00:00.1+00', '2020-06-01 12:00:00', '2020-02-29', '01:02:03', '1 day 00:00:05', '00112233-4455-6677-8899-aabbccddeeff', '{"a": [1, null, true]}', '{"b": 1, "a": {"x": "y"}}', '{1,2}', '{{1,2},{3,4}}', '{1.50,NULL}', '{a,it''s,"q\"q","b\\c"}', '{"2020-01-01 00:00:00+00"}', '\x00ff27225c6e', '10.0.0.1', '[1,5)', '[2020-01-01,)', '("2020-01-01 00:00:00+00","2020-01-02 03:04:05.000006+00"]', 'high', 'BAD', 'GOOD', '2021-01-01', 0);
INSERT INTO public.things VALUES (3, 'é😀 "x" ''y'' \ 
	', '', false, 0, -9223372036854775808, -0.0001, 1e-300, '2000-01-01 04:59:59+00', '2020-01-01 00:00:00.000001', '0001-01-01', '23:59:59.999999', '-1 days +00:00:03.000005', '00000000-0000-0000-0000-000000000000', '["it''s", "q\"q", "both '' and \"", "é😀 \\", {"": [], "k": 1.5, "n": {}}, 1000000000000000000000000000000, 100000000000000000000, -0.5, false]', '["\u00e9\ud83d\ude00", "\b\f\n", 1.0, {"z": null, "a": []}]', '{}', '{{1,NULL}}', '{}', '{"","NULL","{}",NULL,", ","a
b"}', '{NULL,"2020-06-30 19:32:03.000004+00"}', '\x', '::1', 'empty', '(,2020-01-01)', '(,)', 'low', 'GOOD', 'BAD', NULL, 0);
INSERT INTO public.things VALUES (4, NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, '00:00:00', NULL, '"text"', '"text"', '{5}', NULL, NULL, NULL, NULL, '\x69742773', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.things VALUES (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '400 days 03:00:00.000001', NULL, '"[draft]"', '"it''s \u00e9 \"q\"\n"', NULL, NULL, NULL, NULL, NULL, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.things VALUES (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '00:00:00', '-1 days +23:59:59', NULL, '5', 'false', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.things VALUES (7, NULL, '0123456789', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"nested": {"list": [[], [[1]], {"deep": ["x", {"y": "{''not'': ''a dict''}"}]}]}}', '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
SELECT pg_catalog.setval('public.things_id_seq', 1, false);
ALTER TABLE ONLY public.things
    ADD CONSTRAINT things_pkey PRIMARY KEY (id);
