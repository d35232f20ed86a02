package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	wrongNumber    = regexp.MustCompile(`^(?:accepts|requires) (at most |at least |between )?(\d+)(?: and (\d+))? arg\(s\), (?:only )?received (\d+)$`)
	excludingFlags = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
	unknownCommand = regexp.MustCompile(`^unknown command "([^"]*)" for "`)
)

// useMessage says in our words what is wrong with flags and arguments; ok is false
// for what cobra says well enough, and for what is no error of use.
func useMessage(err error) (message string, ok bool) {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		form := map[string]string{
			"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, and not negative",
			"bool": "true or false", "duration": "a duration: 90s, 10m, 1h30m",
		}[value.GetFlag().Value.Type()]
		return fmt.Sprintf("--%s %s: it must be %s", value.GetFlag().Name, quoteArg(value.GetValue()), form), form != ""
	}
	if match := wrongNumber.FindStringSubmatch(err.Error()); match != nil {
		wanted := strings.TrimPrefix(match[1], "between ") + match[2]
		if match[3] != "" {
			wanted += " to " + match[3]
		}
		wanted += " argument"
		if match[2] != "1" || match[3] != "" {
			wanted += "s"
		}
		given := match[4]
		if given == "0" {
			given = "none"
		}
		return "it takes " + wanted + ", not " + given, true
	}
	if match := excludingFlags.FindStringSubmatch(err.Error()); match != nil {
		return "give one of --" + strings.Join(strings.Fields(match[1]), ", --"), true
	}
	return "", false
}

// isExcluding tells whether flags were given that exclude each other, which cobra
// finds when the command has begun.
func isExcluding(err error) bool { return excludingFlags.MatchString(err.Error()) }

// suggestion is a command whose name is like the one that does not exist.
func suggestion(cmd *cobra.Command, err error) string {
	match := unknownCommand.FindStringSubmatch(err.Error())
	if match == nil {
		return ""
	}
	name, unquoted := strconv.Unquote(`"` + match[1] + `"`)
	if unquoted != nil {
		return ""
	}
	cmd.SuggestionsMinimumDistance = 2
	if found := cmd.SuggestionsFor(name); len(found) > 0 {
		return cmd.CommandPath() + " " + strings.Join(found, ", "+cmd.CommandPath()+" ")
	}
	return ""
}

// helpCommand is cobra's, but that a command which does not exist is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say everything about a command",
		Long:  "Help says everything about a command, as chrononaut COMMAND --help does.",
		ValidArgsFunction: func(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if about, _, err := root.Find(args); err == nil {
				for _, c := range about.Commands() {
					if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), toComplete) {
						names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("chrononaut --help lists the commands.", "there is no command %s", quoteArg(strings.Join(args, " ")))
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}
