package sqlite

// ChangedArgs are what the query for the changed keys of a table is made of:
// placeholders.
type ChangedArgs struct {
	From, To        string // times; the first exclusive
	AfterID, UpToID string // the first exclusive
}

// lastIDArgs are the arguments of the template that finds the last change of a
// key.
type lastIDArgs struct{ Key, Until string }

// LastID gives the template "last_id" the key and the time.
func (a ReadArgs) LastID(key, until string) lastIDArgs { return lastIDArgs{key, until} }
