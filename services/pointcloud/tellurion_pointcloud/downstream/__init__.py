"""What pre-trained encoders are used and judged for: classes, completion, parts."""
