package chrononaut

type sqliteReader struct{ reader }
