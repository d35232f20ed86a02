module github.com/chrononaut-go/chrononaut/chronogorm

go 1.26.0

require (
	github.com/chrononaut-go/chrononaut v0.1.0
	gorm.io/gorm v1.31.2
)

require (
	github.com/jinzhu/inflection v1.0.0 // indirect
	github.com/jinzhu/now v1.1.5 // indirect
	golang.org/x/text v0.41.0 // indirect
)
