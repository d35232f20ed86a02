module github.com/chrononaut-go/chrononaut/chronogorm

go 1.26.0

require (
	github.com/chrononaut-go/chrononaut v0.1.0
	github.com/google/go-cmp v0.7.0
	github.com/jackc/pgx/v5 v5.12.0
	gorm.io/driver/postgres v1.6.3
	gorm.io/gorm v1.31.2
	gorm.io/plugin/dbresolver v1.6.2
)
