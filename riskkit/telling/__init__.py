"""What reports are told with: associations, words, cited works, and the blocks that every form is made from."""
