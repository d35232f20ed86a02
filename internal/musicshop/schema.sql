CREATE TABLE employee (
    id         integer PRIMARY KEY,
    last_name  text NOT NULL,
    first_name text NOT NULL,
    title      text,
    reports_to integer REFERENCES employee (id),
    hired      timestamp,
    email      text
);

CREATE TABLE customer (
    id             integer PRIMARY KEY,
    first_name     text NOT NULL,
    last_name      text NOT NULL,
    company        text,
    address        text,
    city           text,
    country        text,
    phone          text,
    email          text NOT NULL,
    support_rep_id integer REFERENCES employee (id)
);

CREATE TABLE artist (
    id   integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE album (
    id        integer PRIMARY KEY,
    title     text NOT NULL,
    artist_id integer NOT NULL REFERENCES artist (id)
);

CREATE TABLE genre (
    id   integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE media_type (
    id   integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE track (
    id            integer PRIMARY KEY,
    name          text NOT NULL,
    album_id      integer REFERENCES album (id) ON DELETE CASCADE,
    media_type_id integer NOT NULL REFERENCES media_type (id),
    genre_id      integer REFERENCES genre (id),
    composer      text,
    milliseconds  integer NOT NULL,
    unit_price    numeric(10, 2) NOT NULL
);

CREATE TABLE playlist (
    id   integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE playlist_track (
    playlist_id integer NOT NULL REFERENCES playlist (id) ON DELETE CASCADE,
    track_id    integer NOT NULL REFERENCES track (id) ON DELETE CASCADE,
    PRIMARY KEY (playlist_id, track_id)
);

CREATE TABLE invoice (
    id              integer PRIMARY KEY,
    customer_id     integer NOT NULL REFERENCES customer (id),
    invoice_date    timestamp NOT NULL,
    billing_city    text,
    billing_country text,
    total           numeric(10, 2) NOT NULL
);

CREATE TABLE invoice_line (
    id         integer PRIMARY KEY,
    invoice_id integer NOT NULL REFERENCES invoice (id) ON DELETE CASCADE,
    track_id   integer NOT NULL REFERENCES track (id),
    unit_price numeric(10, 2) NOT NULL,
    quantity   integer NOT NULL
);
