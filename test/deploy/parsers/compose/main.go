// Loads a compose file the way Docker Compose does, with its own library, and prints the result as JSON.
//
//	compose <file> [NAME=value]...
//
// Only the given variables are known: neither the process environment nor .env is read.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: compose <file> [NAME=value]..."))
	}
	options, err := cli.NewProjectOptions(os.Args[1:2], cli.WithEnv(os.Args[2:]), cli.WithResolvedPaths(true))
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	json, err := project.MarshalJSON()
	if err != nil {
		fail(err)
	}
	fmt.Println(string(json))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
