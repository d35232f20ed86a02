package postgres

// ChangedArgs are what the query for the changed keys of a table is made of:
// placeholders, all but Limit.
type ChangedArgs struct {
	From, To        string // times; the first exclusive
	AfterID, UpToID string // the first exclusive
	// HiddenChanges also says which hidden columns changed.
	HiddenChanges bool
}

// lastIDArgs are the arguments of the template that finds the last change of a
// key.
type lastIDArgs struct {
	Args       ReadArgs
	Key, Until string
}

// LastID gives the template "last_id" the key and the time.
func (a ReadArgs) LastID(key, until string) lastIDArgs { return lastIDArgs{a, key, until} }
