package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// viaPgx writes through chronopgx: batches, COPY, upserts, MERGE where there is
// one, changes of the key, savepoints. It returns the transaction's id.
func (s *shop) viaPgx(ctx context.Context, _ clerk) (id string, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT pg_current_xact_id()::text").Scan(&id); err != nil {
			return err
		}
		for range 1 + s.rng.IntN(3) {
			if err := s.pgxStatement(ctx, tx); err != nil {
				return err
			}
		}
		if s.rng.IntN(10) == 0 {
			return errChangedMind
		}
		return nil
	})
	return id, err
}

func (s *shop) pgxStatement(ctx context.Context, tx pgx.Tx) error {
	run := func(sql string, args ...any) error {
		if _, err := tx.Exec(ctx, sql, args...); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		return nil
	}
	switch s.rng.IntN(10) {
	case 0: // an album with its tracks
		artist, album := s.any(ctx, tx, "artist_id", "artist"), s.id()
		if err := run("INSERT INTO album (album_id, title, artist_id) VALUES ($1, $2, $3)", album, fmt.Sprint("Album ", album), artist); err != nil {
			return err
		}
		var tracks [][]any
		for range 1 + s.rng.IntN(12) {
			track := s.id()
			tracks = append(tracks, []any{track, fmt.Sprint("Track\t", track), album, 1, 1 + s.rng.IntN(5), s.rng.IntN(300_000), json.Number(s.price())})
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"track"}, []string{"track_id", "name", "album_id", "media_type_id", "genre_id", "milliseconds", "unit_price"}, pgx.CopyFromRows(tracks))
		return err
	case 1: // all prices of an album
		return run("UPDATE track SET unit_price = $2::text::numeric WHERE album_id = $1", s.any(ctx, tx, "album_id", "album"), s.price())
	case 2: // nothing
		return run("UPDATE album SET title = title WHERE album_id % 7 = $1", s.rng.IntN(7))
	case 3: // an order
		invoice, batch := s.id(), &pgx.Batch{}
		batch.Queue("INSERT INTO invoice (invoice_id, customer_id, invoice_date, total) VALUES ($1, $2, '2026-01-02', 0)", invoice, s.any(ctx, tx, "customer_id", "customer"))
		for range 1 + s.rng.IntN(5) {
			batch.Queue("INSERT INTO invoice_line (invoice_line_id, invoice_id, track_id, unit_price, quantity) SELECT $1, $2, track_id, unit_price, 1 FROM track WHERE track_id = $3",
				s.id(), invoice, s.any(ctx, tx, "track_id", "track"))
		}
		batch.Queue("UPDATE invoice AS i SET total = l.total FROM (SELECT sum(unit_price * quantity) AS total FROM invoice_line WHERE invoice_id = $1) AS l WHERE i.invoice_id = $1", invoice)
		return tx.SendBatch(ctx, batch).Close()
	case 4: // an order is cancelled
		invoice := s.any(ctx, tx, "invoice_id", "invoice")
		return run("WITH l AS (DELETE FROM invoice_line WHERE invoice_id = $1), i AS (UPDATE invoice SET total = 0, billing_city = NULL WHERE invoice_id = $1) SELECT 1", invoice)
	case 5: // a playlist changes
		playlist := s.any(ctx, tx, "playlist_id", "playlist")
		for range 1 + s.rng.IntN(5) {
			track := s.any(ctx, tx, "track_id", "track")
			if err := run("INSERT INTO playlist_track (playlist_id, track_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", playlist, track); err != nil {
				return err
			}
		}
		return run("DELETE FROM playlist_track WHERE playlist_id = $1 AND track_id % 50 = $2", playlist, s.rng.IntN(50))
	case 6: // tracks move to another playlist: their keys change
		from, to := s.any(ctx, tx, "playlist_id", "playlist"), s.any(ctx, tx, "playlist_id", "playlist")
		return run(`UPDATE playlist_track AS p SET playlist_id = $2 WHERE playlist_id = $1 AND track_id % 40 = $3
			AND NOT EXISTS (SELECT FROM playlist_track AS o WHERE o.playlist_id = $2 AND o.track_id = p.track_id)`, from, to, s.rng.IntN(40))
	case 7:
		return run("INSERT INTO genre (genre_id, name) VALUES ($1, $2) ON CONFLICT (genre_id) DO UPDATE SET name = excluded.name", 1+s.rng.IntN(40), fmt.Sprint("Genre ", s.rng.IntN(100)))
	case 8: // part of it is taken back
		if err := run("SAVEPOINT s"); err != nil {
			return err
		}
		if err := run("DELETE FROM playlist_track"); err != nil {
			return err
		}
		if err := run("ROLLBACK TO s"); err != nil {
			return err
		}
		return run("UPDATE employee SET title = $2 WHERE employee_id = $1", 1+s.rng.IntN(8), fmt.Sprint("Title ", s.rng.IntN(5)))
	default: // a track that nobody wants goes, and comes back
		track := s.any(ctx, tx, "track_id", "track AS t WHERE NOT EXISTS (SELECT FROM invoice_line AS l WHERE l.track_id = t.track_id) AND NOT EXISTS (SELECT FROM playlist_track AS p WHERE p.track_id = t.track_id)")
		if err := run("DELETE FROM track WHERE track_id = $1", track); err != nil || s.rng.IntN(2) == 0 {
			return err
		}
		return run("INSERT INTO track (track_id, name, media_type_id, milliseconds, unit_price) VALUES ($1, 'again', 1, 1, 0.99)", track)
	}
}

// The models of GORM know nothing of Chrononaut: other programs write too.
type (
	// Artist is a table.
	Artist struct {
		ArtistID int `gorm:"primaryKey;autoIncrement:false"`
		Name     *string
	}
	// Album is a table.
	Album struct {
		AlbumID  int `gorm:"primaryKey;autoIncrement:false"`
		Title    string
		ArtistID int
		Artist   Artist
	}
	// Customer is a table.
	Customer struct {
		CustomerID                 int `gorm:"primaryKey;autoIncrement:false"`
		FirstName, LastName, Email string
		Company, City              *string
	}
	// Playlist is a table.
	Playlist struct {
		PlaylistID int `gorm:"primaryKey;autoIncrement:false"`
		Name       string
	}
	// PlaylistTrack is a table with a key of two columns.
	PlaylistTrack struct {
		PlaylistID int `gorm:"primaryKey;autoIncrement:false"`
		TrackID    int `gorm:"primaryKey;autoIncrement:false"`
	}
	// InvoiceLine is a table.
	InvoiceLine struct {
		InvoiceLineID int `gorm:"primaryKey;autoIncrement:false"`
		InvoiceID     int
		TrackID       int
		UnitPrice     string `gorm:"type:numeric(10,2)"`
		Quantity      int
	}
)

// viaGORM writes through chronogorm.
func (s *shop) viaGORM(ctx context.Context, _ clerk) (id string, err error) {
	err = s.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Raw("SELECT pg_current_xact_id()::text").Scan(&id).Error; err != nil {
			return err
		}
		for range 1 + s.rng.IntN(3) {
			if err := s.gormStatement(ctx, tx); err != nil {
				return err
			}
		}
		if s.rng.IntN(10) == 0 {
			return errChangedMind
		}
		return nil
	})
	return id, err
}

func (s *shop) gormStatement(ctx context.Context, tx *gorm.DB) error {
	switch s.rng.IntN(8) {
	case 0: // an association, created along
		name := fmt.Sprint("Artist ", s.next)
		return tx.Create(&Album{AlbumID: s.id(), Title: "New", Artist: Artist{ArtistID: s.id(), Name: &name}}).Error
	case 1:
		var customer Customer
		if err := tx.First(&customer, s.any(ctx, s.pool, "customer_id", "customer")).Error; err != nil {
			return err
		}
		company := fmt.Sprintf("Company %d %%s '", s.rng.IntN(100))
		customer.Company, customer.City = &company, nil
		return tx.Save(&customer).Error
	case 2: // in bulk
		return tx.Model(&Album{}).Where("artist_id = ?", s.any(ctx, s.pool, "artist_id", "artist")).Update("title", gorm.Expr("left(title || ?, 100)", "!")).Error
	case 3:
		var lists []Playlist
		for range 1 + s.rng.IntN(4) {
			lists = append(lists, Playlist{PlaylistID: s.id(), Name: "Mix"})
		}
		return tx.CreateInBatches(lists, 2).Error
	case 4:
		list, from := s.any(ctx, s.pool, "playlist_id", "playlist"), s.any(ctx, s.pool, "track_id", "track")
		var tracks []PlaylistTrack
		if err := tx.Table("track").Select("CAST(? AS integer) AS playlist_id, track_id", list).Where("track_id >= ?", from).Order("track_id").Limit(1 + s.rng.IntN(10)).Scan(&tracks).Error; err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&tracks).Error
	case 5:
		return tx.Where("playlist_id = ? AND track_id % 30 = ?", s.any(ctx, s.pool, "playlist_id", "playlist"), s.rng.IntN(30)).Delete(&PlaylistTrack{}).Error
	case 6:
		invoice := s.any(ctx, s.pool, "invoice_id", "invoice")
		line := InvoiceLine{InvoiceLineID: s.id(), InvoiceID: invoice, TrackID: s.any(ctx, s.pool, "track_id", "track"), UnitPrice: s.price(), Quantity: 1}
		if err := tx.Create(&line).Error; err != nil {
			return err
		}
		return tx.Model(&line).Updates(map[string]any{"quantity": gorm.Expr("quantity + 1"), "unit_price": s.price()}).Error
	default: // a savepoint that is rolled back, and one that is not
		for n := range 2 {
			err := tx.Transaction(func(tx *gorm.DB) error {
				if err := tx.Model(&Artist{ArtistID: s.any(ctx, s.pool, "artist_id", "artist")}).Update("name", fmt.Sprint("Renamed ", s.rng.IntN(1000))).Error; err != nil {
					return err
				}
				if n == 0 {
					return errChangedMind
				}
				return nil
			})
			if err != nil && n == 1 {
				return err
			}
		}
		return nil
	}
}

func findPsql() string {
	path, err := exec.LookPath("psql")
	if err != nil {
		return "" // optional: its share goes to pgx
	}
	return path
}

// viaPsql writes through psql, which says in SQL who it is.
func (s *shop) viaPsql(ctx context.Context, who clerk) (id string, err error) {
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	info := map[string]any{"user_info": map[string]any{}}
	if who.actor != "" {
		info["user_info"] = map[string]any{"user_id": who.actor}
	}
	if who.rationale != "" {
		info["extra_info"] = map[string]any{"rationale": who.rationale}
	}
	value, err := json.Marshal(info)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&script, "SET LOCAL chrononaut.context = '%s';\nSELECT pg_current_xact_id();\n", strings.ReplaceAll(string(value), "'", "''"))
	end := "COMMIT"
	if s.rng.IntN(10) == 0 {
		end, err = "ROLLBACK", errChangedMind
	}
	for range 1 + s.rng.IntN(5) {
		s.psqlStatement(ctx, &script)
	}
	script.WriteString(end + ";\n")
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", s.url)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(script.String()), &stderr
	out, runErr := cmd.Output()
	if runErr != nil {
		return "", fmt.Errorf("%w: %s\n%s", runErr, stderr.String(), script.String())
	}
	return strings.TrimSpace(string(out)), err
}

func (s *shop) psqlStatement(ctx context.Context, script *strings.Builder) {
	switch s.rng.IntN(6) {
	case 0:
		fmt.Fprintf(script, "UPDATE customer SET phone = '+%d', support_rep_id = %d WHERE customer_id %% 20 = %d;\n", s.rng.IntN(1000), 3+s.rng.IntN(3), s.rng.IntN(20))
	case 1:
		fmt.Fprintf(script, "UPDATE track SET unit_price = unit_price * 1.1, composer = nullif(composer, 'AC/DC') WHERE genre_id = %d AND track_id %% 30 = %d;\n", 1+s.rng.IntN(25), s.rng.IntN(30))
	case 2: // the rows follow the statement
		script.WriteString("COPY artist (artist_id, name) FROM STDIN;\n")
		for range 1 + s.rng.IntN(8) {
			fmt.Fprintf(script, "%d\tArtist\\t%d\n", s.id(), s.rng.IntN(100))
		}
		script.WriteString("\\.\n")
	case 3:
		fmt.Fprintf(script, "INSERT INTO media_type VALUES (%[1]d, 'Tape'); UPDATE media_type SET media_type_id = media_type_id + 1000000 WHERE media_type_id = %[1]d;\n", s.id())
	case 4:
		fmt.Fprintf(script, "WITH one AS (DELETE FROM invoice_line WHERE invoice_line_id %% 400 = %d RETURNING *) INSERT INTO invoice_line SELECT invoice_line_id, invoice_id, track_id, unit_price + 1, quantity FROM one WHERE invoice_line_id %% 2 = 0;\n", s.rng.IntN(400))
	default:
		fmt.Fprintf(script, "UPDATE invoice SET billing_state = NULL, invoice_date = invoice_date + interval '1 microsecond' WHERE customer_id = %d;\n", s.any(ctx, s.pool, "customer_id", "customer"))
	}
}
