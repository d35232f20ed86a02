package chronogorm

import (
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

func returningClause(fields []*schema.Field) clause.Returning {
	columns := make([]clause.Column, len(fields))
	for i, f := range fields {
		columns[i] = clause.Column{Name: f.DBName}
	}
	return clause.Returning{Columns: columns}
}
