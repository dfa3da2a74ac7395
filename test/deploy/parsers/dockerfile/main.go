// Parses a Dockerfile with BuildKit's parser and prints stages, instructions and lint findings as JSON;
// or, with a .dockerignore, prints those of the given paths that stay out of the build.
//
//	dockerfile parse <Dockerfile>
//	dockerfile ignored <.dockerignore> <path>...
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type instruction struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// Parsed is the instruction as BuildKit understands it: its fields depend on the name.
	Parsed any `json:"parsed"`
}

type stage struct {
	Name         string        `json:"name"`
	Base         string        `json:"base"`
	Instructions []instruction `json:"instructions"`
}

type dockerfile struct {
	Stages   []stage  `json:"stages"`
	Args     []string `json:"args"`
	Findings []string `json:"findings"`
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: dockerfile parse <Dockerfile> | ignored <.dockerignore> <path>..."))
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	defer file.Close()

	var answer any
	if os.Args[1] == "ignored" {
		answer, err = ignored(file, os.Args[3:])
	} else {
		answer, err = parse(file)
	}
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fail(err)
	}
}

func parse(file *os.File) (*dockerfile, error) {
	tree, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	out := &dockerfile{Stages: []stage{}, Args: []string{}, Findings: []string{}}
	for _, warning := range tree.Warnings {
		out.Findings = append(out.Findings, warning.Short)
	}
	lint := linter.New(&linter.Config{
		Warn: func(rule, _, _, message string, _ []parser.Range) {
			out.Findings = append(out.Findings, rule+": "+message)
		},
	})
	stages, args, err := instructions.Parse(tree.AST, lint)
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		out.Args = append(out.Args, arg.String())
	}
	for _, s := range stages {
		one := stage{Name: s.Name, Base: s.BaseName, Instructions: []instruction{}}
		for _, c := range s.Commands {
			text := c.Name()
			if printable, ok := c.(fmt.Stringer); ok {
				text = printable.String()
			}
			one.Instructions = append(one.Instructions, instruction{Name: c.Name(), Text: text, Parsed: c})
		}
		out.Stages = append(out.Stages, one)
	}
	return out, nil
}

func ignored(file *os.File, paths []string) ([]string, error) {
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, path := range paths {
		match, err := matcher.MatchesOrParentMatches(path)
		if err != nil {
			return nil, err
		}
		if match {
			out = append(out, path)
		}
	}
	return out, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
