package musicshop

var (
	givenNames = []string{
		"Ada", "Bruno", "Chiara", "Dimitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kaya", "Leo", "Mila", "Noor", "Oskar", "Priya", "Rosa", "Søren", "Tove", "Yusuf",
	}
	familyNames = []string{
		"Abel", "Brandt", "Castellan", "Dvorak", "Eklund", "Fontaine", "Grau", "Holm", "Ibarra", "Jansen", "Kowal", "Lindqvist", "Moreau", "Nakata", "O'Hara", "Petrov", "Quist", "Rossi", "Sato", "Tanaka", "Ustinov", "Vega", "Winter",
	}
	streets = []string{"Harbor Street", "Mill Lane", "Rue des Lilas", "Lindenweg", "Calle Mayor", "Station Road", "Via Roma"}
	towns   = []struct{ name, country string }{
		{"Bergen", "Norway"}, {"Lyon", "France"}, {"Porto", "Portugal"}, {"Graz", "Austria"}, {"Leeds", "United Kingdom"}, {"Turku", "Finland"}, {"Halifax", "Canada"}, {"Kobe", "Japan"}, {"Rosario", "Argentina"},
	}
	genres     = []string{"Rock", "Jazz", "Electronic", "Folk", "Blues", "Classical", "Soul"}
	mediaTypes = []string{"MPEG audio file", "AAC audio file", "Lossless audio file"}
	adjectives = []string{
		"Amber", "Borrowed", "Copper", "Distant", "Electric", "Faded", "Golden", "Hollow", "Invisible", "Lonely", "Midnight", "Northern", "Paper", "Quiet", "Restless", "Silver", "Tidal", "Velvet", "Wandering",
	}
	nouns = []string{
		"Anchor", "Bicycle", "Candle", "Driftwood", "Engine", "Ferry", "Garden", "Harvest", "Island", "Junction", "Kite", "Lantern", "Mirror", "Orchard", "Piano", "River", "Sparrow", "Tower", "Umbrella", "Window",
	}
	playlistNames = []string{"Monday morning", "Long drives", "Kitchen", "New arrivals", "Staff picks"}
)
