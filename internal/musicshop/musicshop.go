// Package musicshop makes the sample data of the demo: a shop that sells music,
// with the tables of the well-known Chinook database and invented content. It is
// the same at every call, and plain SQL that PostgreSQL and SQLite take alike.
package musicshop

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

//go:embed schema.sql
var schema string

// Tables are the tables, each after those that it refers to.
func Tables() []string {
	return []string{
		"employee", "customer", "artist", "album", "genre", "media_type", "track",
		"playlist", "playlist_track", "invoice", "invoice_line",
	}
}

// Statements returns the statements that create and fill the tables.
func Statements() []string {
	s := &shop{rand: rand.New(rand.NewPCG(11, 1999)), rows: map[string][]string{}}
	s.people()
	s.music()
	s.playlists()
	s.sales()
	statements := []string{schema}
	for _, table := range Tables() {
		statements = append(statements, "INSERT INTO "+table+" VALUES\n"+strings.Join(s.rows[table], ",\n"))
	}
	return statements
}

// Rows counts the rows of each table.
func Rows() map[string]int {
	counts := map[string]int{}
	for i, statement := range Statements()[1:] {
		counts[Tables()[i]] = strings.Count(statement, "\n")
	}
	return counts
}

type shop struct {
	rand *rand.Rand
	rows map[string][]string
	// prices are those of the tracks, in cents.
	prices []int
}

const (
	employees = 6
	customers = 32
	artists   = 18
	albums    = 36
	perAlbum  = 6
	playlists = 5
	invoices  = 60
)

// add adds a row to a table. Strings become literals, raw stays as it is.
func (s *shop) add(table string, values ...any) {
	parts := make([]string, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case nil:
			parts[i] = "NULL"
		case string:
			parts[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case cents:
			parts[i] = v.String()
		case time.Time:
			parts[i] = "'" + v.Format("2006-01-02 15:04:05") + "'"
		default:
			parts[i] = fmt.Sprint(v)
		}
	}
	s.rows[table] = append(s.rows[table], "("+strings.Join(parts, ", ")+")")
}

type cents int

func (c cents) String() string { return fmt.Sprintf("%d.%02d", int(c)/100, int(c)%100) }

func (s *shop) pick(words []string) string { return words[s.rand.IntN(len(words))] }

// id picks one of the ids 1 to n.
func (s *shop) id(n int) int { return 1 + s.rand.IntN(n) }

func (s *shop) people() {
	first := opening.AddDate(-30, 0, 0)
	for i := 1; i <= employees; i++ {
		var boss any
		title := "Owner"
		if i > 1 {
			boss, title = 1+(i-2)/3, s.pick([]string{"Sales Agent", "Sales Manager", "Buyer", "IT Staff"})
		}
		given, family := givenNames[(i*5)%len(givenNames)], familyNames[(i*7)%len(familyNames)]
		s.add("employee", i, family, given, title, boss, first.AddDate(i, i, i), strings.ToLower(given)+"@tapedeck.example")
	}
	for i := 1; i <= customers; i++ {
		given, family := givenNames[(i*3+1)%len(givenNames)], familyNames[(i*11+4)%len(familyNames)]
		town := towns[i%len(towns)]
		var company any
		if i%4 == 0 {
			company = family + " & " + s.pick(familyNames)
		}
		s.add("customer", i, given, family, company, fmt.Sprintf("%d %s", s.id(120), s.pick(streets)), town.name, town.country,
			fmt.Sprintf("+%d %d %06d", s.id(80), 100+s.rand.IntN(900), s.rand.IntN(1_000_000)),
			strings.ToLower(given+"."+family)+"@mail.example", s.id(employees))
	}
}

func (s *shop) music() {
	for i, name := range genres {
		s.add("genre", i+1, name)
	}
	for i, name := range mediaTypes {
		s.add("media_type", i+1, name)
	}
	for i := 1; i <= artists; i++ {
		s.add("artist", i, "The "+adjectives[(i*7)%len(adjectives)]+" "+nouns[(i*5)%len(nouns)])
	}
	for i := 1; i <= albums; i++ {
		s.add("album", i, s.title(), 1+(i-1)%artists)
		for n := range perAlbum {
			price := 99
			if s.rand.IntN(6) == 0 {
				price = 129
			}
			s.prices = append(s.prices, price)
			s.add("track", (i-1)*perAlbum+n+1, s.title(), i, s.id(len(mediaTypes)), 1+i%len(genres),
				s.pick(givenNames)+" "+s.pick(familyNames), 95_000+s.rand.IntN(240_000), cents(price))
		}
	}
}

// title makes the title of a song or an album.
func (s *shop) title() string {
	a, b := s.pick(adjectives), s.pick(nouns)
	switch s.rand.IntN(5) {
	case 0:
		return a + " " + b
	case 1:
		return b + " in the " + s.pick(nouns)
	case 2:
		return "Don't Wake the " + b
	case 3:
		return "One More " + a + " Night"
	}
	return "Letter to a " + a + " " + b
}

func (s *shop) playlists() {
	for i := 1; i <= playlists; i++ {
		s.add("playlist", i, playlistNames[i-1])
		for track := s.id(9); track <= albums*perAlbum; track += 4 + s.id(12) {
			s.add("playlist_track", i, track)
		}
	}
}

// opening is when the shop sold its first song.
var opening = time.Date(2024, time.March, 1, 9, 0, 0, 0, time.UTC)

func (s *shop) sales() {
	line := 0
	for i := 1; i <= invoices; i++ {
		total := 0
		customer := s.id(customers)
		lines := s.id(4)
		for range lines {
			line++
			track := s.id(len(s.prices))
			quantity := 1
			total += quantity * s.prices[track-1]
			s.add("invoice_line", line, i, track, cents(s.prices[track-1]), quantity)
		}
		town := towns[customer%len(towns)]
		s.add("invoice", i, customer, opening.AddDate(0, 0, i*9).Add(time.Duration(s.rand.IntN(600))*time.Minute), town.name, town.country, cents(total))
	}
}
