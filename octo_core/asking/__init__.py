"""What a language model is asked and what becomes of its reply: pure. Nothing here talks to anybody.

What leaves is decided in sharing.py. What comes back is held against the closed vocabulary of types, the language and
the rows; a reply is never more than a proposal of exactly that form.
"""
