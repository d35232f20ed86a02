// Package migrationtools holds tests that run the files of chronomigrate.Export
// with the migration tools that they are for, and GORM's AutoMigrate on tracked
// tables. It is a module of its own because of what these tools depend on.
package migrationtools
