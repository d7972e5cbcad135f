package awsjson_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"

	"claviger/internal/edge/awsjson"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// encryptInput is the input of KMS's Encrypt.
type encryptInput struct {
	KeyID               optional.Of[string] `aws:"KeyId"`
	Plaintext           confidential.Bytes  `aws:"Plaintext"`
	EncryptionContext   pairs.Map           `aws:"EncryptionContext"`
	GrantTokens         []string            `aws:"GrantTokens"`
	EncryptionAlgorithm optional.Of[string] `aws:"EncryptionAlgorithm"`
	DryRun              optional.Of[bool]   `aws:"DryRun"`
}

type encryptOutput struct {
	CiphertextBlob      []byte `aws:"CiphertextBlob"`
	KeyID               string `aws:"KeyId"`
	EncryptionAlgorithm string `aws:"EncryptionAlgorithm"`
}

func BenchmarkDecode(b *testing.B) {
	shape := awsjson.Plan(reflect.TypeFor[encryptInput]())
	for _, size := range []int{32, 4096} {
		plaintext := base64.StdEncoding.EncodeToString(make([]byte, size))
		for name, more := range map[string]string{
			"plain":   "",
			"context": `,"EncryptionContext":{"tenant":"blue","purpose":"backup"}`,
		} {
			body := []byte(`{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"` + plaintext + `"` + more + `}`)
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var in encryptInput
					if err := shape.Decode(body, &in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	shape := awsjson.Plan(reflect.TypeFor[encryptOutput]())
	for _, size := range []int{180, 4096} {
		out := &encryptOutput{
			CiphertextBlob:      make([]byte, size),
			KeyID:               "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = shape.Append(dst[:0], out)
			}
		})
	}
}
