package cli

import (
	"github.com/spf13/cobra"
)

type snapshotJSON struct {
	Snapshot string `json:"snapshot"`
}

func (a *app) snapshotCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "snapshot",
		Short: "Print a token for this moment",
		Long: `Snapshot prints a token for what is committed at this moment, for --as-of. A token
is exact whatever transactions are open, where a time is settled only when those
that are older have ended.`,
		Example: `  chrononaut snapshot
  chrononaut query --as-of "$(chrononaut snapshot)" 'SELECT count(*) FROM todos'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				token, err := db.client.TakeSnapshot(cmd.Context())
				switch {
				case err != nil:
					return err
				case a.json:
					return a.out.json(snapshotJSON{token})
				}
				a.out.line("%s", token)
				return nil
			})
		},
	}
}
