cline auth openai-compatible --baseurl $url/v1 --apikey $key --modelid $model
