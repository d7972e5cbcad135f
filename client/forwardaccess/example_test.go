package forwardaccess_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"claviger/client/forwardaccess"
)

// A service that tells its users what it may learn about their keys.
func Example() {
	claviger := &forwardaccess.Client{
		Endpoint:    "https://claviger.example.com",
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	}
	http.HandleFunc("GET /keys/{id}", func(w http.ResponseWriter, r *http.Request) {
		evidence, err := forwardaccess.Capture(r, 1<<20)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		// Who is it? Nobody whom Claviger does not vouch for gets further.
		user, err := claviger.Trade(r.Context(), evidence, forwardaccess.Options{})
		if refused := new(forwardaccess.Error); errors.As(err, &refused) {
			http.Error(w, refused.Message, refused.Status)
			return
		} else if err != nil {
			http.Error(w, "Claviger can't be reached.", http.StatusBadGateway)
			return
		}
		// As the user, through the service.
		keys := kms.NewFromConfig(aws.Config{Region: claviger.Region, BaseEndpoint: &claviger.Endpoint, Credentials: user})
		key, err := keys.DescribeKey(r.Context(), &kms.DescribeKeyInput{KeyId: aws.String(r.PathValue("id"))})
		if err != nil {
			http.Error(w, "This key is not for you.", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "%s, you have %s.\n", user.User(), *key.KeyMetadata.Arn)
	})
}
