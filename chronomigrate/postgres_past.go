package chronomigrate

import (
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// past brings the view of the table's past, and what it is made of, up to date.
func (p *planner) past() error {
	if !p.table.History || p.err != nil {
		return p.err
	}
	view, query, comment, err := p.pastView()
	if err != nil {
		return err
	}
	remade := p.found.Past.Keys != p.table.KeysComment() || p.again
	if remade {
		p.add("The keys that history has, so that queries of the past find records by them.", "make_keys", postgres.PlanArgs{}, "")
	}
	if !p.found.Past.Allowed && !p.again {
		// Capture needs no view: a role that may not create it tracks all the same,
		// and check says that there is none.
		return p.err
	}
	if p.found.Past.Schema == "" || p.again {
		p.add("The schemas whose views read the past, and refuse what has none.", "make_past_schema",
			postgres.PlanArgs{Name: view.In, To: postgres.UntrackedSchema(p.engine.schema, p.found.Schema)}, "")
	}
	renewed := remade || p.found.Past.Comment != comment
	if renewed {
		args := postgres.PlanArgs{On: view.View(), Comment: comment, Options: query}
		p.add("The view has the columns that the table has now.", "drop_past_view", args, "")
		p.add("The past of the table. Queries that travel find it under the table's name.", "create_past_view", args, "")
		p.add("The checksum by which the check command finds a view that is out of date.", "comment_past_view", args, "")
	}
	if renewed || !p.found.Past.Shared {
		p.add("Who may read the table may read its past.", "share_past", postgres.PlanArgs{}, "")
	}
	if renewed {
		if view.HasForeignTypes() {
			p.add("Views with columns of the application's types step aside when it drops one.", "make_event_triggers", postgres.PlanArgs{}, "")
		}
		p.add("Mirrored views that read it.", "renew_mirrors", postgres.PlanArgs{}, "")
	}
	if !p.found.Past.Covered || p.found.Past.Comment == "" || p.again {
		p.add("What is not tracked is refused to queries of the past.", "refuse_untracked", postgres.PlanArgs{}, "")
	}
	return p.err
}

// pastView describes the view that the table should have.
func (p *planner) pastView() (view postgres.Past, query, comment string, err error) {
	sources, err := p.pythonSources()
	if err != nil {
		return view, "", "", err
	}
	in := p.found.Past.Schema
	if in == "" {
		in = postgres.PastSchema(p.engine.schema, p.found.Schema)
	}
	view = p.table.Past(in, p.found.Past.Policy, sources)
	query, err = view.SQL()
	return view, query, view.Comment(query), err
}

// pythonSources are the table's rows of Python chrononaut. The server reads their
// states by what the registry says then: so a view is not out of date because a
// column of another type needs other SQL.
func (p *planner) pythonSources() ([]postgres.PythonSource, error) {
	var sources []postgres.PythonSource
	for _, rows := range p.table.Python {
		source, err := p.table.PythonSource(rows)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// pastObject is what the statements of [planner.past] are about.
const pastObject = "past"

var pastStatements = map[string]bool{
	"make_past_schema": true, "make_keys": true, "drop_past_view": true, "create_past_view": true,
	"comment_past_view": true, "share_past": true, "refuse_untracked": true,
	"renew_mirrors": true, "make_event_triggers": true,
}

// past finds a view of the past that is not what it should be.
func (c *checker) past(p *planner, repair string) error {
	if !p.table.History {
		return nil
	}
	view, _, comment, err := p.pastView()
	if err != nil {
		return err
	}
	found := p.found.Past
	message := ""
	switch {
	case found.Comment == "":
		message = "the view of the table's past is gone; queries of the past do not find the table"
	case found.Keys != p.table.KeysComment():
		message = "the table's key has changed; queries of the past are refused until its keys are sorted in anew"
	case found.Comment != comment:
		message = "the view of the table's past was made for other columns or options, or by another version"
	case !found.Shared:
		message = "other roles may read the table than its past"
	default:
		return nil
	}
	if !found.Allowed {
		repair += " It needs a role that may create schemas, or views in " + view.In + "."
	}
	c.reportOn(pastObject, ProblemPast, view.In+"."+p.table.Name, message, repair)
	return nil
}
