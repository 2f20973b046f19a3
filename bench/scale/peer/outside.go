package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// outside asks the bench's stand-ins for Kafka, Connect and databases.
type outside struct {
	url   string
	http  *http.Client
	mutex sync.Mutex
	polls map[string]*poll
}

func newOutside(url string) *outside {
	transport := &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}
	return &outside{url: url, http: &http.Client{Transport: transport}, polls: map[string]*poll{}}
}

// ask sends a body as JSON, where there is one, and decodes the answer into `into`, where it is not nil.
func (o *outside) ask(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, o.url+path, content)
	if err != nil {
		return err
	}
	response, err := o.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

func (o *outside) kafka(ctx context.Context, site, method string, into any, values ...any) error {
	if values == nil {
		values = []any{}
	}
	return o.ask(ctx, http.MethodPost, "/kafka/"+site+"/"+method, values, into)
}

type row = map[string]any

func (o *outside) query(ctx context.Context, host, sql string, values ...any) ([]row, error) {
	if values == nil {
		values = []any{}
	}
	var rows []row
	err := o.ask(ctx, http.MethodPost, "/sql/"+host, map[string]any{"sql": sql, "values": values}, &rows)
	return rows, err
}

// entries is a map as the stand-ins write it.
type entries struct {
	Pairs [][2]json.RawMessage `json:"$map"`
}

// poll is a question that many ask: it is put at most once in a while, and by one of them.
type poll struct {
	mutex   sync.Mutex
	askedAt time.Time
	answer  any
}

// How old an answer may be: of what moves, and of what only other hands change.
const (
	moving  = 5 * time.Second
	settled = 15 * time.Second
)

// shared answers from the last poll, unless it is older than `age` or was asked before `after`.
func shared[T any](o *outside, key string, age time.Duration, after time.Time, ask func() (T, error)) (T, error) {
	o.mutex.Lock()
	one, known := o.polls[key]
	if !known {
		one = &poll{}
		o.polls[key] = one
	}
	o.mutex.Unlock()
	one.mutex.Lock()
	defer one.mutex.Unlock()
	if one.answer != nil && time.Since(one.askedAt) < age && one.askedAt.After(after) {
		return one.answer.(T), nil
	}
	askedAt := time.Now()
	answer, err := ask()
	if err == nil {
		one.askedAt, one.answer = askedAt, answer
	}
	return answer, err
}
