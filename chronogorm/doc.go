// Package chronogorm connects Chrononaut and GORM: models that embed
// [Versioned] have a history, and changes made through GORM carry who made
// them and why.
//
// # Setting up
//
// Open GORM over a pool of package chronosql and use the [Plugin]:
//
//	sqlDB, err := chronosql.Open("pgx", dsn, nil)
//	db, err := gorm.Open(postgres.New(postgres.Config{Conn: sqlDB}), &gorm.Config{})
//	err = db.Use(chronogorm.New(nil))
//
// Attribution then travels inside BEGIN and costs no round trip. Over a plain
// pool (gorm.Open(postgres.Open(dsn))) the plugin works too: it wraps the pool,
// which costs one more round trip for each transaction that carries
// attribution. See [Plugin] for what else differs. On SQLite the pool has to
// come from package chronosql.
//
// Who and why come from the context of the statement or, inside a transaction,
// from the context that the transaction began with:
//
//	ctx = chrononaut.WithActor(ctx, "ann@example.com")
//	db.WithContext(ctx).Save(&todo)
//	gorm.G[Todo](db).Where("id = ?", 7).Update(ctx, "done", true)
//
// # Models
//
// A model is tracked when it embeds [Versioned], or [RecordChanges] for the
// last change on the row itself, or both. Fields that must not enter history
// say so:
//
//	type User struct {
//		ID       uint
//		Password string    `chrononaut:"hidden"`    // that it changed is recorded, its value is not
//		SeenAt   time.Time `chrononaut:"untracked"` // not recorded at all
//		chronogorm.Versioned
//	}
//
// AutoMigrate of a tracked model tracks its table and the join tables of its
// many-to-many relations; [Track] does so for those who migrate otherwise.
//
// # Reading
//
// [History] reads the past of a model as typed records, [Client] the log
// across tables.
//
// Under a context of [chrononaut.AsOf] all queries read the past: Find, Preload,
// Joins, Count, gorm.G, Raw and Rows.
//
//	db.WithContext(chrononaut.AsOf(ctx, monday)).Preload("Owner").Find(&todos)
//
// # Stale writes
//
// Save, Update, Updates and Delete of a record that was read say in their
// conditions which version they are based on. When somebody else has written the
// record since, nothing is written and the error is a [*chrononaut.StaleError],
// which is [chrononaut.ErrStale] and tells what has happened in between; for a
// slice it is a [*chrononaut.BulkStaleError], and RowsAffected says how many
// records were at their version. It costs no round trip, but for the error.
//
//	err := db.Save(&todo).Error
//	if errors.Is(err, chrononaut.ErrStale) { … }
//
// A record that has a primary key, other values, and no version was read without
// it, or not at all: writing it over one that exists is [ErrVersionUnknown]. A
// record that has nothing but its primary key only says which one is meant, as a
// condition does; it is written at any version, like what conditions find:
//
//	db.Model(&Todo{ID: 5}).Update("done", true)
//
// [AtVersion] names a version, [AnyVersion] writes whatever it is. A version among
// the values of Updates, in a struct or a map, counts more than that of the model.
//
// Errors that the database raises, those of holds and leases among them, come out
// of GORM with their types. So [chrononaut.WrapError] is needed only for what is
// read by Rows, and by Scan of a Raw statement.
//
// Capturing is the work of triggers in the database. Nothing in this package
// writes history, so bulk updates, raw SQL and other programs are recorded all
// the same.
package chronogorm
