package main

import (
	"encoding/base64"
	"errors"
	"os"
)

// nameImages tells which images the operator consists of: the one that its
// Deployment names. Mirrors for clusters without internet are made of the list.
func nameImages(csv map[string]any) error {
	deployments := list(csv, "spec", "install", "spec", "deployments")
	if len(deployments) != 1 {
		return errors.New("it has not one Deployment")
	}
	containers := list(deployments[0], "spec", "template", "spec", "containers")
	if len(containers) != 1 {
		return errors.New("its Deployment has not one container")
	}
	image, named := at(containers[0], "image").(string)
	if !named {
		return errors.New("its container has no image")
	}
	fieldsOf(csv, "metadata", "annotations")["containerImage"] = image
	fieldsOf(csv, "spec")["relatedImages"] = []any{map[string]any{"name": "operator", "image": image}}
	return nil
}

// show puts in the icon.
func show(csv map[string]any, path string) error {
	icon, err := os.ReadFile(path) //nolint:gosec // a developer names it
	if err != nil {
		return err
	}
	fieldsOf(csv, "spec")["icon"] = []any{map[string]any{
		"base64data": base64.StdEncoding.EncodeToString(icon),
		"mediatype":  "image/svg+xml",
	}}
	return nil
}

// forgetTheHour takes out when operator-sdk ran: the same sources make the same
// bundle.
func forgetTheHour(csv map[string]any) {
	delete(fieldsOf(csv, "metadata", "annotations"), "createdAt")
}

// at follows names into maps; nil where one is not there.
func at(value any, path ...string) any {
	for _, name := range path {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

func list(value any, path ...string) []any {
	entries, _ := at(value, path...).([]any)
	return entries
}

func fieldsOf(value any, path ...string) map[string]any {
	fields, _ := at(value, path...).(map[string]any)
	return fields
}
